import * as z from 'zod';
import { askAsAdmin } from './admin.ts';
import { flagValue, type RunCommand } from './command.ts';
import { namesOf } from './names.ts';

const answerSchema = z.object({ id: z.string().min(1), key: z.string().min(1) });
const scopes = ['repositories', 'services', 'environments'] as const;

/** Makes a request key for what its flags name, and prints it: the service keeps only its hash. */
export const key: RunCommand = async (call) => {
  const scope = Object.fromEntries(scopes.map((name) => [name, namesOf(call, name)]));
  const answer = await askAsAdmin(call, {
    method: 'POST',
    path: '/keys',
    body: { note: flagValue(call, 'note'), ...scope },
    answer: answerSchema,
  });
  if (call.json) {
    call.out.printJson({ schema: 'key/v1', id: answer.id, key: answer.key });
  } else {
    call.out.print(answer.key);
    call.out.say(`This is key ${answer.id}. It is shown only here: store it as a secret now.`);
  }
  return 0;
};
