import type { Circumstances } from '../core/circumstances.ts';
import type { DeployFacts } from '../core/facts.ts';
import type { ExpectedCommit } from './commit.ts';
import { Fault } from '../core/fault.ts';
import { actorTypes, type ActorType } from './declared.ts';

/** The facts that the place a run happens at knows: who asks for it, and which run it is. */
export interface Origin {
  readonly facts: Pick<
    DeployFacts,
    | 'server'
    | 'repository'
    | 'repository_id'
    | 'ref'
    | 'workflow'
    | 'workflow_sha'
    | 'actor'
    | 'run_id'
    | 'run_attempt'
  >;
  readonly circumstances: Pick<Circumstances, 'provider' | 'trigger' | 'runner'>;
  readonly job: string;
  /** The folder of the job, and the variable that names it; absent where there is none. */
  readonly workspace?: { readonly path: string; readonly variable: string };
  readonly expected?: ExpectedCommit;
}

/**
 * The kind of actor: what the run itself shows, unless the workflow says something stronger (DESIGN 6).
 * @throws Fault configuration
 */
export function actorType(derived: ActorType, declared: ActorType | undefined): ActorType {
  if (declared === undefined) return derived;
  if (actorTypes.indexOf(declared) >= actorTypes.indexOf(derived)) return declared;
  throw new Fault(
    'configuration',
    `The input actor-type says ${declared}, but this run was started by an actor of the type ${derived}. Leave the input out; it can only say that an agent acts under the account of a person.`,
  );
}
