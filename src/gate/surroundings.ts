import { Fault } from '../core/fault.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Options of Node that weaken TLS or the HTTP parser, or write the keys of connections to a file. */
const weakeningOption = /--(?:tls-|insecure-http-parser|use-openssl-ca|openssl-)[a-z0-9.-]*/;

/** Refuses an environment that weakens TLS, before a byte of the key could leave the machine. @throws Fault configuration */
export function refuseWeakenedTls(env: Environment): void {
  if ((env.NODE_TLS_REJECT_UNAUTHORIZED ?? '') !== '') {
    throw new Fault(
      'configuration',
      'NODE_TLS_REJECT_UNAUTHORIZED is set, and anyone on the network could pose as the approval service. Remove it; trust your own certificate authority by NODE_EXTRA_CA_CERTS instead.',
    );
  }
  const option = weakeningOption.exec(env.NODE_OPTIONS ?? '')?.[0];
  if (option !== undefined) {
    throw new Fault(
      'configuration',
      `NODE_OPTIONS holds ${option}, which changes how connections are protected. Remove it for this step.`,
    );
  }
}

/** What the reader of the log should know about the way to the service; none of it lets a signature pass that is not one. */
export function surroundingWarnings(env: Environment): readonly string[] {
  const names = [
    'NODE_EXTRA_CA_CERTS',
    'NODE_USE_SYSTEM_CA',
    'NODE_USE_ENV_PROXY',
    'HTTPS_PROXY',
    'https_proxy',
  ].filter((name) => (env[name] ?? '') !== '');
  return names.map(
    (name) =>
      `${name} is set: whoever it trusts can read and delay what goes to the approval service, though not sign an approval.`,
  );
}
