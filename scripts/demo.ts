/**
 * The main job end to end, on a real checkout, the real service and its real page: asked, approved by a passkey, verified,
 * redeemed, deployed. Then what must be refused, each from a valid approval of its own. Exits 0 only if all of it came out
 * as expected.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseDemoOptions, usage, type DemoOptions } from './demo/options.ts';
import { runMainJob } from './demo/main-job.ts';
import { stopCommands } from './demo/processes.ts';
import { refusals } from './demo/refusals.ts';
import {
  showEnd,
  showFact,
  showOutcome,
  showOutcomeHeader,
  showSection,
  showTitle,
  showTrouble,
} from './demo/screen.ts';
import { setStage, type Stage } from './demo/stage.ts';

const root = resolve(import.meta.dirname, '..');

process.exitCode = 1;
const options = readOptions();
if (options !== undefined) process.exitCode = (await demo(options)) ? 0 : 1;

function readOptions(): DemoOptions | undefined {
  try {
    const given = parseDemoOptions(process.argv.slice(2), root);
    if (given !== 'help') return given;
    console.log(usage);
    process.exitCode = 0;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
  return undefined;
}

async function demo(options: DemoOptions): Promise<boolean> {
  const begun = Date.now();
  const folder = await mkdtemp(join(tmpdir(), 'deploy-warrant-demo-'));
  const [work, recordDir] = [join(folder, 'work'), join(folder, 'record')];
  let kept = false;
  const cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(kept ? work : folder, { recursive: true, force: true }));
  cleanup.defer(stopCommands);
  const interruption = endOnSignal(cleanup);
  try {
    showTitle(
      'Deploy Warrant',
      "A deploy that an agent can start needs a warrant: a person's passkey signature over the exact deploy.",
    );
    if (!existsSync(join(options.bundles, 'cli.js'))) {
      throw new Error(`There is no cli.js in ${options.bundles}. Build it first: npm run build`);
    }
    const stage = await setStage({ options, work, cleanup });

    showSection('The main job');
    const { approvalId, fingerprint, recordFolder } = await runMainJob(stage, recordDir);

    showSection('What is refused, each from a valid approval of its own');
    const unexpected = await showRefusals(stage, approvalId);

    kept = true;
    await cleanup.disposeAsync();
    showSection('In the end');
    showFact('approval id', approvalId);
    showFact('fingerprint', fingerprint);
    showFact('record', recordFolder, 'kept for you to look at; everything else is gone again');
    const seconds = ((Date.now() - begun) / 1000).toFixed(1);
    showEnd(
      unexpected === 0,
      unexpected === 0
        ? `All came out as expected, in ${seconds} s. Nothing is left running.`
        : `${unexpected} of the refusals did not come out as expected.`,
    );
    return unexpected === 0;
  } catch (error) {
    // What fails after an interruption, fails because its processes were ended.
    if (!interruption.aborted) {
      showTrouble(error instanceof Error ? error.message : String(error));
    }
    return false;
  } finally {
    // After an interruption the cleaning up is under way, and ends the process.
    if (interruption.aborted) await new Promise(() => undefined);
    await cleanup.disposeAsync();
  }
}

/** Ends with exit code 130 on the first SIGINT or SIGTERM, when all is cleaned up; later ones change nothing. */
function endOnSignal(cleanup: AsyncDisposableStack): AbortSignal {
  const interruption = new AbortController();
  const end = (): void => {
    if (interruption.signal.aborted) return;
    interruption.abort();
    void cleanup.disposeAsync().finally(() => process.exit(130));
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  return interruption.signal;
}

/** Runs each refusal in turn. @returns how many came out otherwise */
async function showRefusals(stage: Stage, mainApprovalId: string): Promise<number> {
  const prepared = await refusals(stage, mainApprovalId);
  showOutcomeHeader();
  let unexpected = 0;
  for (const { name, expected, reason, about, run } of prepared) {
    const { exitCode, verdict, stdout, stderr } = await run();
    const asExpected = exitCode === expected && verdict?.reason_code === reason;
    const changed = verdict?.differences.map(({ field }) => field).join(', ') ?? '';
    const said = verdict?.reason_code ?? 'no verdict';
    showOutcome({
      name,
      expected,
      actual: exitCode,
      asExpected,
      reason: [said, changed === '' ? about : changed].filter(Boolean).join(': '),
    });
    if (asExpected) continue;
    unexpected += 1;
    showTrouble(`Expected was ${expected} ${reason}. The process said:`, `${stdout}${stderr}`);
  }
  return unexpected;
}
