import { Fault } from '../core/fault.ts';

/**
 * Step 1 of DESIGN 5: a weakened TLS environment ends the run before anything is sent.
 * @param env the process environment
 * @returns warnings to log: settings that let others see the traffic, but are common behind a company's proxy
 * @throws Fault configuration
 */
export function checkTlsEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const value = env.NODE_TLS_REJECT_UNAUTHORIZED;
  if (value !== undefined && value !== '' && value !== '1') {
    throw new Fault(
      'configuration',
      'NODE_TLS_REJECT_UNAUTHORIZED is set: the approval service could be impersonated. Remove the variable; for a private certificate authority set NODE_EXTRA_CA_CERTS.',
    );
  }
  return ['NODE_EXTRA_CA_CERTS', 'HTTPS_PROXY', 'https_proxy', 'NODE_USE_ENV_PROXY']
    .filter((name) => (env[name] ?? '') !== '')
    .map((name) => `${name} is set: the connection to the approval service depends on it.`);
}
