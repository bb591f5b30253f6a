import * as z from 'zod';
import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import { askAsAdmin } from './admin.ts';
import { flagValue, type RunCommand } from './command.ts';

const answerSchema = z.object({
  code: z.string().min(1),
  registerUrl: z.url({ protocol: /^https?$/ }),
});

/** Makes an invite and prints its link: whoever opens it first enrols a passkey. */
export const invite: RunCommand = async (call) => {
  const answer = await askAsAdmin(call, {
    method: 'POST',
    path: '/invites',
    body: { note: flagValue(call, 'note'), maxUses: readCount(call, 'max-uses') },
    answer: answerSchema,
  });
  if (call.json) {
    call.out.printJson({
      schema: 'invite/v1',
      code: answer.code,
      register_url: answer.registerUrl,
    });
  } else {
    call.out.print(answer.registerUrl);
    call.out.say(
      'Give this link to one person by a way that only they read: whoever opens it first can enrol.',
    );
  }
  return 0;
};

function readCount(call: Parameters<RunCommand>[0], flag: string): number {
  const text = flagValue(call, flag) || '1';
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  throw new Fault(
    'configuration',
    `--${flag} is a whole number from 1 to 9999, not "${visible(text, 60)}".`,
  );
}
