/* eslint-disable @typescript-eslint/no-unnecessary-template-expression -- a secret in one piece would look real to scanners */
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
/** Some text of this length that is no secret by itself. */
const filler = (length: number, alphabet = letters) =>
  Array.from({ length }, (_, i) => alphabet[(i * 7 + 3) % alphabet.length]).join('');
const hex = (length: number) => filler(length, '0123456789abcdef');
const upper = (length: number) => filler(length, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789');

/**
 * One made-up secret of every kind that is known, with the rule that must find it. Put together at run time, so that no
 * scanner takes this file for a leak.
 */
export const secretSamples: readonly (readonly [rule: string, secret: string])[] = [
  ['private key', ['-----BEGIN', 'PRIVATE KEY-----'].join(' ')],
  ['private key', ['-----BEGIN', 'RSA', 'PRIVATE KEY-----'].join(' ')],
  ['private key', ['-----BEGIN', 'EC', 'PRIVATE KEY-----', filler(100)].join(' ')],
  ['private key', ['-----BEGIN', 'OPENSSH', 'PRIVATE KEY-----'].join(' ')],
  ['private key', ['-----BEGIN', 'ENCRYPTED', 'PRIVATE KEY-----'].join(' ')],
  ['private key', ['-----BEGIN', 'PGP', 'PRIVATE KEY BLOCK-----'].join(' ')],
  ['JSON web token', `ey${'J'}${filler(20)}.ey${'J'}${filler(30)}.${filler(43)}`],
  ['JSON web token', `token=ey${'J'}${filler(20)}.${filler(30)}.`],
  ['bearer token', `Authorization: Bearer ${filler(24)}`],
  ['bearer token', `curl -H "authorization: bearer ${hex(40)}"`],
  ['bearer token', `Authorization: Bearer  ${filler(16)}`],
  ['Google API key', `AI${'za'}${filler(35)}`],
  ['password', `PGPASSWORD=${filler(8)} psql`],
  ['password', `migrate --password="${filler(4)}"`],
  ['password', `jdbc:postgresql://db/shop?user=app&password=${filler(9)}`],
  ['password in a URL', `redis://:${filler(8)}@cache:6379`],
  ['password in a URL', `amqps://app:${filler(8)}@queue/shop`],
  ['password in a URL', `https://app:${filler(8)}!@forge.example.com/a.git`],
  ['aws AWSAccessKeyID', `AK${'IA'}${upper(16)}`],
  ['aws AWSSecretAccessKey', `AWS_SECRET_ACCESS_KEY=${filler(40)}`],
  ['npm Npmrc_authToken', `//registry.example.com/:_auth${'Token'}=${filler(30)}`],
  ['npm NPM_ACCESS_TOKEN', `np${'m_'}${filler(36)}`],
  ['slack SLACK_TOKEN', `xo${'xb'}-${filler(12)}-${filler(24)}`],
  [
    'slack IncomingWebhook',
    `https://hooks.slack.com/services/T${filler(8)}/B${filler(8)}/${filler(24)}`,
  ],
  ['sendgrid SENDGRID_KEY', `S${'G'}.${filler(22)}.${filler(43)}`],
  ['shopify SHOPIFY_KEY', `shp${'at'}_${hex(32)}`],
  ['stripe', `sk${'_live'}_${filler(24)}`],
  ['github GITHUB_TOKEN', `gh${'p_'}${filler(36)}`],
  ['github GITHUB_TOKEN', `github${'_pat'}_${filler(82)}`],
  ['gitlab', `gl${'pat'}-${filler(20)}`],
  ['grafana', `gl${'c_'}${filler(64)}`],
  ['openai OPENAI_TOKEN', `s${'k-'}${filler(20)}T3Blbk${'FJ'}${filler(20)}`],
  ['anthropic ANTHROPIC_API_KEY', `sk-${'ant'}-api03-${filler(93)}AA`],
  ['groq', `gs${'k_'}${filler(52)}`],
  ['huggingface', `h${'f_'}${filler(34, 'abcdefghijklm')}`],
  ['linear', `lin_${'api'}_${filler(40)}`],
  ['notion', `nt${'n_'}${filler(11, '0123456789')}${filler(35)}`],
  ['hashicorp-vault', `hv${'s.'}${filler(95)}`],
  ['vercel', `vc${'p_'}${filler(24)}`],
  ['databricks', `da${'pi'}${hex(32)}`],
  ['docker', `dckr${'_pat'}_${filler(27)}`],
  ['figma', `fig${'d_'}${filler(40)}`],
  ['cloudflare', `cf${'ut'}_${filler(40)}${hex(8)}`],
  ['tailscale', `ts${'key'}-auth-${filler(12)}-${filler(32)}`],
];
