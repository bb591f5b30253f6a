import { circumstancesSchema, type Circumstances } from './circumstances.ts';
import type { DeployFacts } from './facts.ts';
import { matchesGlob } from './glob.ts';
import type { Objection } from './objection.ts';
import { ownCopy } from './own-copy.ts';
import type { EnvironmentRule } from './policy-rule.ts';
import { problemsOf } from './problems.ts';
import type { RuleContext } from './rule.ts';
import { visible } from './text.ts';
import { parseTime } from './time.ts';
import type { Checked } from './verdict.ts';

/** Checks the shape of circumstances; the value is a frozen copy without prototypes. */
export function checkCircumstances(value: unknown): Checked<Circumstances> {
  const copy = ownCopy(value);
  const parsed = circumstancesSchema.safeParse(copy);
  if (parsed.success) return { ok: true, value: copy as Circumstances };
  return { ok: false, problems: problemsOf(parsed.error) };
}

/** One of the rules of an environment: the objection to this job, if there is one. */
type JobRule = (job: {
  readonly rule: EnvironmentRule;
  readonly facts: DeployFacts;
  readonly known: Partial<Circumstances>;
  readonly now: number;
}) => Objection | undefined;

/** The events of a proposed change, in the words of each forge: they run code that nobody has merged. */
const proposedChange: ReadonlySet<string> = new Set([
  'pull_request',
  'merge_request_event',
  'external_pull_request_event',
]);

/** What a rule says of the job: where it comes from, how it was started, where it runs, and when. */
export function* jobObjections(context: RuleContext): Generator<Objection> {
  const { rule, finalFacts: facts, now } = context;
  // What is not known has no value, whatever Object.prototype may say.
  const known = Object.assign(Object.create(null) as Partial<Circumstances>, context.circumstances);
  const proposed = pullRequest(known, rule);
  if (proposed !== undefined) yield proposed;
  if (rule === undefined) return;
  for (const check of jobRules) {
    const objection = check({ rule, facts, known, now });
    if (objection !== undefined) yield objection;
  }
}

/** A proposed change is no deploy unless a rule says so, also where there is no policy. */
function pullRequest(
  { trigger }: Partial<Circumstances>,
  rule: EnvironmentRule | undefined,
): Objection | undefined {
  if (trigger === undefined || !proposedChange.has(trigger) || rule?.pull_request === true) {
    return undefined;
  }
  return refused(
    `This run was started by ${trigger}: it runs code that was not merged, and the policy does not allow that.`,
    'Deploy on another event, or allow it in the rule by "pull_request": true.',
  );
}

const triggers: JobRule = ({ rule, known }) =>
  among(rule.triggers, known.trigger, {
    what: 'the event of this run',
    member: 'triggers',
    matches: (one, value) => one === value,
  });

const refs: JobRule = ({ rule, facts }) =>
  among(rule.refs, facts.ref, { what: 'the ref', member: 'refs', matches: matchesGlob });

/** The file that holds the job where a token says so, for a workflow can call another; else the one that GitHub's variables name. */
const workflows: JobRule = ({ rule, facts, known }) =>
  among(rule.workflows, known.identity?.job_workflow_ref ?? ownWorkflow(facts), {
    what: 'the workflow',
    member: 'workflows',
    matches: matchesGlob,
  });

function ownWorkflow(facts: DeployFacts): string | undefined {
  return Object.hasOwn(facts, 'workflow') ? facts.workflow : undefined;
}

const runners: JobRule = ({ rule, known }) =>
  among(rule.runners, known.runner, {
    what: 'the kind of runner',
    member: 'runners',
    matches: (one, value) => one === value,
  });

const otherCommit: JobRule = ({ rule, facts, known: { event_commit: event } }) => {
  if (rule.other_commit || event === undefined || event === facts.commit) return undefined;
  return refused(
    `This run was started for commit ${event}, and would deploy ${facts.commit}, which the policy does not allow.`,
    'Deploy the commit of the run, or allow another one in the rule by "other_commit": true.',
  );
};

const noDeploys: JobRule = ({ rule, now }) => {
  // Written so that a clock which is no number is inside.
  const frozen = rule.no_deploys.find(
    ({ from, to }) => !(now < parseTime(from)) && !(now >= parseTime(to)),
  );
  if (frozen === undefined) return undefined;
  return refused(
    `Nothing is deployed from ${frozen.from} to ${frozen.to}: ${frozen.reason} (no_deploys).`,
    `Deploy after ${frozen.to}, or have the policy changed.`,
  );
};

/** Whose job it is says what is usual there; of whom nothing is known no less is asked than of GitHub. */
const identity: JobRule = ({ rule, known }) => {
  const required = rule.require_oidc ?? (known.provider ?? 'github') === 'github';
  if (!required || known.identity !== undefined) return undefined;
  return refused(
    'The policy asks that the identity of this job is attested by an OIDC token (require_oidc), and there was none.',
    'In GitHub give the job the permission id-token: write. Without a token, set "require_oidc": false in the rule, knowing that the environment is then only declared.',
  );
};

const jobRules: readonly JobRule[] = [
  triggers,
  refs,
  workflows,
  runners,
  otherCommit,
  noDeploys,
  identity,
];

/** What a rule says of the changes since the last deploy, as far as the signatures do not matter. */
export function* changesObjections({
  rule,
  finalFacts: facts,
  circumstances,
}: RuleContext): Generator<Objection> {
  const known = Object.assign(Object.create(null) as Partial<Circumstances>, circumstances);
  if (rule?.migration_paths !== undefined) {
    const objection = newMigrations(known, facts);
    if (objection !== undefined) yield objection;
  }
  if (rule?.not_by_commit_authors === true && known.commit_authors === undefined) {
    yield unknown('the authors of the commits since the last deploy', 'not_by_commit_authors');
  }
}

/** A migration that is new since the last deploy runs with this one, or it is forgotten. */
function newMigrations(
  { new_migrations: added }: Partial<Circumstances>,
  { migration }: DeployFacts,
): Objection | undefined {
  if (added === undefined)
    return unknown('the migrations that are new since the last deploy', 'migration_paths');
  const files = migration.kind === 'none' ? [] : migration.files.map(({ path }) => path);
  const forgotten = added.filter((path) => !files.includes(path));
  if (forgotten.length === 0) return undefined;
  const shown = forgotten.slice(0, 10).map((path) => visible(path));
  const more = forgotten.length - shown.length;
  const problems = shown.map((path) => ({
    field: 'migration',
    message: `${path} is new or changed since the last deploy, and not among the migration files`,
  }));
  return {
    ...refused(
      `Migrations are new or changed since the last deploy, and not among the files that this one runs (migration_paths): ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`,
      'Set migration and migration-files so that they are run, or take them out of the commit.',
    ),
    details: { problems },
  };
}

function among(
  allowed: readonly string[] | undefined,
  value: string | undefined,
  asked: {
    readonly what: string;
    readonly member: string;
    readonly matches: (one: string, value: string) => boolean;
  },
): Objection | undefined {
  const { what, member, matches } = asked;
  if (allowed === undefined) return undefined;
  if (value === undefined) return unknown(what, member);
  if (allowed.some((one) => matches(one, value))) return undefined;
  const is = what.charAt(0).toUpperCase() + what.slice(1);
  return refused(
    `${is} is ${visible(value)}, and the policy allows ${allowed.join(', ')} (${member}).`,
    'Deploy from one of these, or have the policy changed.',
  );
}

function unknown(what: string, member: string): Objection {
  return refused(
    `The policy has a rule for ${what} (${member}), and here ${what} can't be told.`,
    'Run the gate where that is known, or take the member out of the rule.',
  );
}

function refused(message: string, advice: string): Objection {
  return { code: 'configuration', message, advice };
}
