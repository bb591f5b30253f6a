import type { FastifyInstance } from 'fastify';

/** Nothing from elsewhere, nothing inline, no framing; text reaches the page as text only (DESIGN, THREATS 6, 20, 21). */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const headers: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'publickey-credentials-get=(self), publickey-credentials-create=(self)',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Answers hold what somebody may see today; the page is small and must never be an old one.
  'cache-control': 'no-store',
};

/** Puts the same strict headers on every answer, errors included. */
export function addHeaders(app: FastifyInstance, origin: () => string): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    if (origin().startsWith('https:')) {
      reply.header('strict-transport-security', 'max-age=31536000');
    }
    done();
  });
}
