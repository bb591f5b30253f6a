import { Fault } from '../core/fault.ts';

/** Options of Node that take older TLS, weaker ciphers or other trust, or write the keys of connections to a file. */
const weakeningOption = /--(?:tls-(?!min-v1\.[23]\b)|openssl-|insecure-http-parser\b)[a-z0-9.-]*/;

/**
 * Step 1 of DESIGN 5: a weakened TLS environment ends the run before anything is sent.
 * @param env the process environment
 * @returns warnings to log: settings that let others see the traffic, but are common behind a company's proxy
 * @throws Fault configuration
 */
export function checkTlsEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  // Whatever it says: "1" is harmless today, and one digit from an open door.
  if ((env.NODE_TLS_REJECT_UNAUTHORIZED ?? '') !== '') {
    throw new Fault(
      'configuration',
      'NODE_TLS_REJECT_UNAUTHORIZED is set: the approval service could be impersonated. Remove the variable, whatever its value; for a private certificate authority set NODE_EXTRA_CA_CERTS.',
    );
  }
  // Node reads an underscore in the name of an option as a dash.
  const option = weakeningOption.exec((env.NODE_OPTIONS ?? '').replaceAll('_', '-'))?.[0];
  if (option !== undefined) {
    throw new Fault(
      'configuration',
      `NODE_OPTIONS holds ${option}, which changes how the connection to the approval service is protected. Remove it for this step.`,
    );
  }
  return ['NODE_EXTRA_CA_CERTS', 'HTTPS_PROXY', 'https_proxy', 'NODE_USE_ENV_PROXY']
    .filter((name) => (env[name] ?? '') !== '')
    .map((name) => `${name} is set: the connection to the approval service depends on it.`);
}
