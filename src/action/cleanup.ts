import { Fault, refusalOf } from '../core/fault.ts';
import { systemDependencies } from '../gate/dependencies.ts';
import { openJob } from '../gate/job-access.ts';
import { openService } from '../gate/service-access.ts';
import { withdrawPending } from '../gate/withdraw.ts';
import { mask, maskSecrets, readInput } from './inputs.ts';
import { info, warning } from './log.ts';
import { readState } from './state.ts';

/** A cancelled job gives its post steps little time, and a request that is left lapses by itself. */
const timeoutMs = 10_000;

/** The post step of the request action: withdraws what a step that did not end by itself left waiting. Never fails a job. */
export async function runCleanup(signal: AbortSignal): Promise<number> {
  maskSecrets('request');
  const { ids, granted } = readState();
  if (ids.length === 0 || granted) return 0;
  try {
    const stop = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const transport = openService(
      { apiUrl: readInput('api-url'), apiKey: readInput('api-key') },
      openJob({ env: process.env, signal: stop, mask }),
    );
    if (transport === undefined) throw new Fault('configuration', 'api-url and api-key are empty.');
    await withdrawPending(ids, {
      ...systemDependencies({ transport, log: info, signal: stop }),
      transport,
    });
  } catch (error) {
    warning(
      `The request could not be withdrawn, and waits until it lapses: ${refusalOf(error).message}`,
    );
  }
  return 0;
}
