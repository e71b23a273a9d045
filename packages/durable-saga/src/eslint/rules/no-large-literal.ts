import type { Rule } from 'eslint';
import type { Node } from '../orchestrator-code';
import { OrchestratorCode } from '../orchestrator-code';

const DEFAULT_LIMIT = 4_000;

/** What a step is given is written into the history, and read again with it at each replay. */
export const noLargeLiteral: Rule.RuleModule = {
  meta: {
    type: 'suggestion',
    docs: { description: 'forbid inputs of steps that are large literals' },
    schema: [
      {
        type: 'object',
        properties: { limit: { type: 'integer', minimum: 1 } },
        additionalProperties: false,
      },
    ],
    messages: {
      large:
        'This input is a literal of {{size}} characters (at most {{limit}}), and every call writes it into the history. Keep it where the activity is, or in a blob, and pass its name.',
    },
  },
  create(context) {
    const [{ limit = DEFAULT_LIMIT } = {}] = context.options as readonly { limit?: number }[];
    const code = OrchestratorCode.of(context);
    return {
      CallExpression(node) {
        const kind = code.kindAt(node);
        if (kind === undefined) return;
        if (kind === 'saga' ? code.operationOf(node) === undefined : !isDurableCall(node)) return;
        for (const argument of node.arguments) {
          const size = literalSize(argument as Node, context.sourceCode.getText(argument));
          if (size > limit)
            context.report({
              node: argument,
              messageId: 'large',
              data: { size: String(size), limit: String(limit) },
            });
        }
      },
    };
  },
};

function isDurableCall({ callee }: { readonly callee: unknown }): boolean {
  const { type, property } = callee as { type: string; property?: { name?: string } };
  return type === 'MemberExpression' && /^(callActivity|callSubOrchestrator|callEntity)/.test(property?.name ?? '');
}

function literalSize(node: Node, text: string): number {
  const isLiteral = /^(Literal|TemplateLiteral|ObjectExpression|ArrayExpression)$/.test(node.type);
  return isLiteral ? text.length : 0;
}
