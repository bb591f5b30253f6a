import type { Circumstances } from '../core/circumstances.ts';
import type { DeployFacts } from '../core/facts.ts';
import { Fault } from '../core/fault.ts';
import { gateMessage } from '../core/objection.ts';
import type { Policy } from '../core/policy.ts';
import { environmentRule, type EnvironmentRule } from '../core/policy-rule.ts';
import { changesObjections, jobObjections } from '../core/rule-circumstances.ts';
import { policyObjections, type RuleContext } from '../core/rule.ts';
import { emptyRecord, type Assurance } from './evidence-record.ts';

interface Deploy {
  readonly policy: Policy | undefined;
  readonly facts: DeployFacts;
  readonly assurance: Assurance;
  readonly circumstances: Circumstances | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * The rule for the facts' environment and service, before anything is asked of a person: a deploy that the policy has no rule for, facts
 * that the rule misses, a job that it does not allow and promises that this step can't keep are refused. Undefined without
 * a policy and without signatures.
 * @throws Fault
 */
export function ruleFor(deploy: Deploy): EnvironmentRule | undefined {
  const context = contextOf(deploy);
  refuseFirst([...beforeChanges(context), ...changesObjections(context)], deploy);
  return context.rule;
}

/** {@link ruleFor} as far as it can be said before the changes since the last deploy are known. @throws Fault */
export function ruleBeforeChanges(deploy: Deploy): EnvironmentRule | undefined {
  const context = contextOf(deploy);
  refuseFirst(beforeChanges(context), deploy);
  return context.rule;
}

function contextOf({ facts, ...deploy }: Deploy): RuleContext {
  const rule = deploy.policy && environmentRule(deploy.policy, facts);
  return { ...deploy, rule, finalFacts: facts, record: emptyRecord(deploy.assurance) };
}

function beforeChanges(context: RuleContext) {
  return [...policyObjections(context), ...jobObjections(context)];
}

function refuseFirst(
  [objection]: ReturnType<typeof beforeChanges>,
  { assurance }: Pick<Deploy, 'assurance'>,
): void {
  if (objection === undefined) return;
  throw new Fault(objection.code, gateMessage(objection), { ...objection.details, assurance });
}
