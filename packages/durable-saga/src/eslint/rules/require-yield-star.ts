import type { Rule } from 'eslint';
import type { Node } from '../orchestrator-code';
import { enclosingFunction, OrchestratorCode } from '../orchestrator-code';

/** An operation only describes; `yield*` does it and gives its result with its type. */
export const requireYieldStar: Rule.RuleModule = {
  meta: {
    type: 'problem',
    fixable: 'code',
    docs: { description: 'require yield* before everything that a saga does' },
    schema: [],
    messages: {
      plain: 'A plain yield loses the type of the result, and the saga refuses it. Write yield*.',
      discarded: '{{what}} does nothing by itself. Write yield* {{what}}.',
      returned: 'The saga would return {{what}} undone. Write return yield* {{what}}.',
    },
  },
  create(context) {
    const code = OrchestratorCode.of(context);

    function mustBeYielded(node: Node): boolean {
      return code.kindAt(node) === 'saga' && (code.operationOf(node) !== undefined || code.isGeneratorCall(node));
    }

    function reportUndone(node: Node, messageId: 'discarded' | 'returned'): void {
      if (!mustBeYielded(node)) return;
      const what = code.describeCall(node);
      const isFixable = enclosingFunction(node)?.generator === true;
      context.report({
        node,
        messageId,
        data: { what },
        fix: isFixable ? (fixer) => fixer.insertTextBefore(node, 'yield* ') : null,
      });
    }

    return {
      YieldExpression(node) {
        if (node.delegate || code.kindAt(node) !== 'saga') return;
        const { argument } = node;
        const isFixable = argument ? mustBeYielded(argument as Node) : false;
        context.report({
          node,
          messageId: 'plain',
          fix: (fixer) => {
            const keyword = context.sourceCode.getFirstToken(node);
            return isFixable && keyword !== null ? fixer.insertTextAfter(keyword, '*') : null;
          },
        });
      },
      ExpressionStatement(node) {
        reportUndone(node.expression as Node, 'discarded');
      },
      ReturnStatement(node) {
        // A function that is no generator may hand an operation on; a generator's return is a result.
        if (node.argument && enclosingFunction(node)?.generator) reportUndone(node.argument as Node, 'returned');
      },
    };
  },
};
