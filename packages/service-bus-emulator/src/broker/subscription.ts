import { MessageFormatError } from '../message/decode';
import { changeProperties } from '../message/properties';
import { type CompiledAction, compileAction } from '../rules/action';
import { type CompiledFilter, compileFilter } from '../rules/filter';
import { RuleEvaluationError, RuleSyntaxError } from '../rules/rule-error';
import type { RuleChanges, RuleValue } from '../rules/rule-message';
import type { Rule, SubscriptionOptions } from './entities';
import { BrokerError } from './errors';
import { KeptMessage } from './kept-message';
import type { PropertyChanges } from './message';
import { ReceivingEntity } from './receiving-entity';
import type { RuleView } from './rule-view';

interface CompiledRule {
  readonly rule: Rule & { readonly createdAt: number };
  readonly takes: CompiledFilter;
  readonly changes: CompiledAction | undefined;
}

const text = (value: RuleValue): string | null =>
  value === null ? null : value instanceof Date ? value.toISOString() : String(value);

const encodable = (changes: RuleChanges['application']): PropertyChanges =>
  Object.fromEntries(
    Object.entries(changes).map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value) : value]),
  );

/** A copy of a message that an action has changed. */
function changed(message: KeptMessage, { system, application }: RuleChanges): KeptMessage {
  const copy = new KeptMessage(message);
  const { PartitionKey, TimeToLive, ScheduledEnqueueTimeUtc, ViaPartitionKey: _, ...ofContent } = system;
  const texts = Object.fromEntries(Object.entries(ofContent).map(([name, value]) => [name, text(value)]));
  copy.content = changeProperties(message.content, { system: texts, application: encodable(application) });
  if (texts['MessageId'] !== undefined) copy.messageId = texts['MessageId'] ?? undefined;
  if (texts['SessionId'] !== undefined) copy.sessionId = texts['SessionId'] ?? undefined;
  if (PartitionKey !== undefined) copy.partitionKey = text(PartitionKey) ?? undefined;
  if (TimeToLive !== undefined) copy.timeToLiveMs = TimeToLive === null ? undefined : Number(TimeToLive);
  if (ScheduledEnqueueTimeUtc instanceof Date) copy.scheduledAt = ScheduledEnqueueTimeUtc.getTime();
  else if (ScheduledEnqueueTimeUtc === null) copy.scheduledAt = undefined;
  return copy;
}

/** A subscription of a topic: takes the messages that one of its rules takes. */
export class Subscription extends ReceivingEntity<SubscriptionOptions> {
  readonly #rules = new Map<string, CompiledRule>();

  get name(): string {
    return this.path.slice(this.path.lastIndexOf('/') + 1);
  }

  get rules(): readonly (Rule & { readonly createdAt: number })[] {
    return [...this.#rules.values()].map(({ rule }) => rule);
  }

  hasRule(name: string): boolean {
    return this.#rules.has(name.toLowerCase());
  }

  setRule(rule: Rule, createdAt: number): void {
    this.#rules.set(
      rule.name.toLowerCase(),
      compile(rule, this.#rules.get(rule.name.toLowerCase())?.rule.createdAt ?? createdAt),
    );
  }

  /** Takes these rules instead of those that there are; none of them if one cannot be used. */
  setRules(rules: readonly Rule[], createdAt: number): void {
    const compiled = rules.map((rule) => compile(rule, createdAt));
    this.#rules.clear();
    for (const entry of compiled) this.#rules.set(entry.rule.name.toLowerCase(), entry);
  }

  removeRule(name: string): void {
    this.#rules.delete(name.toLowerCase());
  }

  /**
   * Takes a message of its topic, or not. Rules without an action make one copy together, each rule with an action one
   * of its own.
   */
  offer(message: KeptMessage, view: RuleView): void {
    const copies: KeptMessage[] = [];
    let plain = false;
    try {
      for (const { takes, changes } of this.#rules.values()) {
        if (!takes(view)) continue;
        if (changes !== undefined) copies.push(changed(message, changes(view)));
        else plain = true;
      }
    } catch (error) {
      // Properties that cannot be read are as bad as values that cannot be compared.
      if (!(error instanceof RuleEvaluationError || error instanceof MessageFormatError)) throw error;
      if (!this.options.deadLetteringOnFilterEvaluationExceptions) return;
      this.bury(new KeptMessage(message), { reason: 'FilterEvaluationException', description: error.message });
      return;
    }
    if (plain) copies.unshift(new KeptMessage(message));
    for (const copy of copies) this.admit(copy);
  }
}

function compile(rule: Rule, createdAt: number): CompiledRule {
  try {
    return {
      rule: { ...rule, createdAt },
      takes: compileFilter(rule.filter),
      changes: rule.action === undefined ? undefined : compileAction(rule.action, rule.actionParameters),
    };
  } catch (error) {
    if (!(error instanceof RuleSyntaxError)) throw error;
    throw new BrokerError('invalidArgument', `The rule '${rule.name}' cannot be used: ${error.message}`, {
      cause: error,
    });
  }
}
