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
