import { confirmationIdSchema } from '../core/api.ts';
import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';

/** The most people one approval can ask. */
const maxIds = 100;

/** `approval-id`: one confirmation's UUID, or several joined by commas. @throws Fault configuration */
export function parseApprovalIds(text: string): readonly string[] {
  if (text === '') {
    throw new Fault(
      'configuration',
      'approval-id is empty. Pass the output approval-id of the request step; if that comes from another job, check the name of the job and of its output.',
    );
  }
  const ids = text.split(',');
  for (const id of ids) {
    if (!confirmationIdSchema.safeParse(id).success) {
      throw new Fault(
        'configuration',
        `approval-id must be one confirmation's UUID in lower case, or several joined by commas without blanks; "${visible(id)}" is none. Pass the output approval-id of the request step unchanged.`,
      );
    }
  }
  if (new Set(ids).size !== ids.length) {
    throw new Fault('configuration', 'approval-id names the same confirmation twice.');
  }
  if (ids.length > maxIds) {
    throw new Fault(
      'configuration',
      `approval-id names ${ids.length} confirmations; the most is ${maxIds}.`,
    );
  }
  return ids;
}
