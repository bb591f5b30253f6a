import type { DeployFacts } from '../core/facts.ts';
import { Fault } from '../core/fault.ts';
import { environmentRule, type EnvironmentRule, type Policy } from '../core/policy.ts';
import { ruleObjection } from '../core/rule.ts';
import { emptyRecord, type Assurance } from './evidence-record.ts';

/**
 * The rule of the facts' environment, before anything is asked of a person or the service: an environment without a rule, facts
 * that the rule misses and promises that this step can't keep are refused. Undefined without a policy and without signatures.
 * @throws Fault
 */
export function ruleFor(options: {
  readonly policy: Policy | undefined;
  readonly facts: DeployFacts;
  readonly assurance: Assurance;
}): EnvironmentRule | undefined {
  const { policy, facts, assurance } = options;
  const rule = policy && environmentRule(policy, facts.environment);
  const record = emptyRecord(assurance);
  const objection = ruleObjection({ policy, rule, record, finalFacts: facts, assurance });
  if (objection !== undefined) {
    throw new Fault(objection.code, objection.message, { ...objection.details, assurance });
  }
  return rule;
}
