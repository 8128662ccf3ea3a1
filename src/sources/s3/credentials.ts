/** Who asks: the chain of the AWS tools (environment, profile, single sign-on, container, machine). Never an option of facet. */
import { errorMessage, FacetError } from '../../errors.js';
import type { Credentials } from './signature.js';

/** Called for each request; what it answers is renewed before it expires. Undefined: ask as nobody. */
export type FindCredentials = () => Promise<Credentials | undefined>;

export interface CredentialOptions {
  /** A section of ~/.aws/config and ~/.aws/credentials. */
  profile?: string | undefined;
  /** Sign nothing: for public buckets. */
  anonymous?: boolean | undefined;
}

/** The function throws `denied` when there are no credentials. */
export async function credentialChain(options: CredentialOptions): Promise<FindCredentials> {
  if (options.anonymous === true) return async () => undefined;
  const keys = environmentKeys(options.profile);
  if (keys) return async () => keys;
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  const profile = options.profile === undefined ? {} : { profile: options.profile };
  const provide = defaultProvider({ ...profile, logger: quiet });
  return async () => {
    try {
      return await provide();
    } catch (error) {
      throw noCredentials(error, options.profile);
    }
  };
}

/** What the chain would find first, without the time that loading it takes. A profile comes before; what expires is read anew. */
function environmentKeys(profile: string | undefined): Credentials | undefined {
  const {
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN,
    AWS_PROFILE,
    AWS_CREDENTIAL_EXPIRATION,
  } = process.env;
  if (profile !== undefined || AWS_PROFILE || AWS_CREDENTIAL_EXPIRATION) return undefined;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined;
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  };
}

const say = () => {};
/** Otherwise it warns on the console when there are keys in the environment beside the profile that was asked for. */
const quiet = { debug: say, info: say, warn: say, error: say };

function noCredentials(error: unknown, profile: string | undefined): FacetError {
  const where = profile === undefined ? '' : ` in the profile ${profile}`;
  return new FacetError('denied', `there are no S3 credentials${where}: ${errorMessage(error)}`, {
    cause: error,
    hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; a public bucket is added with --anonymous',
  });
}
