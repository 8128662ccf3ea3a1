/**
 * What the environment and the configuration of the AWS tools say besides credentials (AWS SDKs and Tools Reference Guide,
 * "Settings reference"): the environment first, then the profile.
 */
import { readFileSync } from 'node:fs';
import { errorMessage, FacetError } from '../../errors.js';

export interface S3Surroundings {
  region: string | undefined;
  endpoint: string | undefined;
  /** Certificate authorities to trust instead of the usual ones, PEM. */
  ca: string | undefined;
}

type Settings = Readonly<Record<string, string | undefined>>;

/** Throws `usage` for certificates that cannot be read. */
export async function readSurroundings(profile: string | undefined): Promise<S3Surroundings> {
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_CA_BUNDLE } = process.env;
  const { own, services } = await readProfile(profile ?? process.env.AWS_PROFILE);
  return {
    region: AWS_REGION || AWS_DEFAULT_REGION || own.region,
    endpoint: endpointOf(own, services),
    ca: readCertificates(AWS_CA_BUNDLE || own.ca_bundle),
  };
}

function endpointOf(own: Settings, services: Settings): string | undefined {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS } = process.env;
  if ((AWS_IGNORE_CONFIGURED_ENDPOINT_URLS || own.ignore_configured_endpoint_urls) === 'true')
    return undefined;
  return AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || services['s3.endpoint_url'] || own.endpoint_url;
}

async function readProfile(name: string | undefined): Promise<{ own: Settings; services: Settings }> {
  const { CONFIG_PREFIX_SEPARATOR, loadSharedConfigFiles } = await import('@smithy/core/config');
  const { configFile, credentialsFile } = await loadSharedConfigFiles();
  const key = name ?? 'default';
  const own: Settings = { ...credentialsFile[key], ...configFile[key] };
  const section = `services${CONFIG_PREFIX_SEPARATOR}${own.services}`;
  return { own, services: { ...configFile[section] } };
}

function readCertificates(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new FacetError('usage', `cannot read the certificates ${file}: ${errorMessage(error)}`, {
      path: file,
      hint: 'AWS_CA_BUNDLE, or ca_bundle of the profile, names them',
    });
  }
}
