import { refusalOf } from '../core/fault.ts';
import { verdictLine } from '../core/verdict-line.ts';
import { parseServiceConfig } from '../service/config.ts';
import { startService } from '../service/serve.ts';

process.exitCode = 1;
const args = process.argv.slice(2);
try {
  // Before anything says that it is ready: whoever hears that may stop it at once. And kept: a second signal, as of an npm that
  // hands on the Ctrl-C which the terminal has sent already, must not cut off what the first one lets end.
  const stopped = new Promise((resolve) => {
    process.on('SIGINT', resolve);
    process.on('SIGTERM', resolve);
  });
  const service = await startService(parseServiceConfig({ args, env: process.env }));
  process.stdout.write(`Deploy Warrant listens on ${service.url}\n`);
  if (service.adminFile !== undefined) {
    process.stdout.write(
      `The first admin key and invite are in ${service.adminFile} (mode 0600).\n`,
    );
  }
  await stopped;
  await service.close();
  process.exitCode = 0;
} catch (error) {
  const refusal = refusalOf(error);
  process.stderr.write(`${verdictLine(refusal)}\n`);
  process.exitCode = refusal.exit_code;
}
