import { fileURLToPath } from 'node:url';

/**
 * The service is an executable of its own beside this one: it reads its flags from the process, and its exit code and the
 * signals are its business.
 */
export async function startService(args: readonly string[]): Promise<void> {
  const service = new URL('./service.js', import.meta.url);
  process.argv = [process.execPath, fileURLToPath(service), ...args];
  await import(service.href);
}
