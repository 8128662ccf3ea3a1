/** The API that MetaMesh has before its Redis, with a real Redis behind it: what following needs of it, in its own words. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { Redis } from 'ioredis';
import { startServer } from './file-server.js';
import type { TestRedis } from './redis.js';

export interface TestApi {
  uri: string;
  url: string;
  /** Paths that were asked for. */
  requests: string[];
  /** Ends all streams of events, and answers with this status until it is undefined again. */
  fail(status: number | undefined): void;
}

/** Entries that are told at once, and how long is waited for more. */
const ENTRIES = 100;
const BLOCK_MS = 50;

export async function startApi(context: TestContext, { client, port }: TestRedis): Promise<TestApi> {
  const requests: string[] = [];
  const streams = new Set<ServerResponse>();
  let failing: number | undefined;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = decodeURIComponent(request.url ?? '');
    requests.push(path);
    const file = /^\/api\/metadata\/(.+)$/.exec(path)?.[1];
    if (failing !== undefined) response.writeHead(failing).end();
    else if (path === '/urls') response.end(JSON.stringify({ redisUrl: '', apiUrl: url }));
    else if (path === '/api/metadata/hash-ids') response.end(JSON.stringify(await idsIn(client)));
    else if (path === '/api/events/meta') {
      streams.add(response);
      await tellEvents(request, response, port);
    } else if (file !== undefined) await tellFile(client, file, response);
    else response.writeHead(404).end();
  };
  const server = await startServer(context, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const { url } = server;
  return {
    ...{ url, uri: `metamesh+${url}`, requests },
    fail(status) {
      failing = status;
      if (status !== undefined) for (const stream of streams) stream.destroy();
    },
  };
}

async function idsIn(client: Redis): Promise<{ hashIds: string[]; count: number }> {
  const hashIds = await client.smembers('file:__index__');
  return { hashIds, count: hashIds.length };
}

async function tellFile(client: Redis, hashId: string, response: ServerResponse): Promise<void> {
  const prefix = `file:${hashId}/`;
  const keys = await client.keys(`${prefix}*`);
  if (keys.length === 0) return void response.writeHead(404).end('{"error":"metadata not found"}');
  const texts = await client.mget(keys);
  const metadata = Object.fromEntries(keys.map((key, nth) => [key.slice(prefix.length), texts[nth] ?? '']));
  response.end(JSON.stringify({ hashId, metadata }));
}

/** Until whoever asked is gone. */
async function tellEvents(request: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
  const client = new Redis({ port });
  client.on('error', () => {});
  response.on('close', () => client.disconnect());
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  let at = await startOf(client, String(request.headers['last-event-id'] ?? '$'), response);
  for (;;) {
    const told = await client.xread('COUNT', ENTRIES, 'BLOCK', BLOCK_MS, 'STREAMS', 'meta:events', at);
    for (const [id, fields] of told?.[0]?.[1] ?? []) {
      response.write(eventOf(id, fields));
      at = id;
    }
    response.write(':keep-alive\n\n');
  }
}

async function startOf(client: Redis, after: string, response: ServerResponse): Promise<string> {
  const [oldest] = await client.xrange('meta:events', '-', '+', 'COUNT', 1);
  if (after === '$' || oldest === undefined || !isBefore(after, oldest[0])) return after;
  const gap = JSON.stringify({ requested: after, resumeFrom: oldest[0], reason: 'retention' });
  response.write(`event: gap\ndata: ${gap}\n\n`);
  return '0';
}

function isBefore(one: string, other: string): boolean {
  const [[ms = 0, nth = 0], [otherMs = 0, otherNth = 0]] = [
    one.split('-').map(Number),
    other.split('-').map(Number),
  ];
  return ms < otherMs || (ms === otherMs && nth < otherNth);
}

function eventOf(id: string, list: readonly string[]): string {
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) fields[list[at] ?? ''] = list[at + 1] ?? '';
  const { type = 'message', ...data } = fields;
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
