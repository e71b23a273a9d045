import type { RuleSystemProperties, RuleValue } from './rule-message';

export type SystemProperty = keyof RuleSystemProperties;

export type Property = { readonly kind: 'property'; readonly position: number } & (
  { readonly scope: 'system'; readonly name: SystemProperty } | { readonly scope: 'application'; readonly name: string }
);

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export type ComparisonOperator = '=' | '<>' | '<' | '>' | '<=' | '>=';

/** What comes to a value. `position` is where in the expression, in characters from 0. */
export type ValueNode =
  | { readonly kind: 'constant'; readonly position: number; readonly value: RuleValue; readonly double: boolean }
  | Property
  | { readonly kind: 'propertyOf'; readonly position: number; readonly name: ValueNode }
  | { readonly kind: 'newId'; readonly position: number }
  | { readonly kind: 'sign'; readonly position: number; readonly operator: '+' | '-'; readonly operand: ValueNode }
  | {
      readonly kind: 'arithmetic';
      readonly position: number;
      readonly operator: ArithmeticOperator;
      readonly left: ValueNode;
      readonly right: ValueNode;
    };

/** What comes to true, false or unknown. */
export type ConditionNode =
  | { readonly kind: 'and' | 'or'; readonly position: number; readonly operands: readonly ConditionNode[] }
  | { readonly kind: 'not'; readonly position: number; readonly operand: ConditionNode }
  | {
      readonly kind: 'comparison';
      readonly position: number;
      readonly operator: ComparisonOperator;
      readonly left: ValueNode;
      readonly right: ValueNode;
    }
  | { readonly kind: 'isNull' | 'exists'; readonly position: number; readonly property: Property }
  | {
      readonly kind: 'in';
      readonly position: number;
      readonly operand: ValueNode;
      readonly items: readonly ValueNode[];
    }
  | {
      readonly kind: 'like';
      readonly position: number;
      readonly operand: ValueNode;
      readonly pattern: ValueNode;
      readonly escape: ValueNode | undefined;
    };

export type Node = ValueNode | ConditionNode;

export type Statement =
  | { readonly kind: 'set'; readonly property: Property; readonly value: ValueNode }
  | { readonly kind: 'remove'; readonly property: Property };

const conditionKinds: ReadonlySet<string> = new Set<ConditionNode['kind']>([
  'and',
  'or',
  'not',
  'comparison',
  'isNull',
  'exists',
  'in',
  'like',
]);

export const isCondition = (node: Node): node is ConditionNode => conditionKinds.has(node.kind);
