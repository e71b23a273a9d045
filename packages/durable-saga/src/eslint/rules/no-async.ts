import type { Rule } from 'eslint';
import type { Node } from '../orchestrator-code';
import { enclosingFunction, isFunction, OrchestratorCode } from '../orchestrator-code';

/** A promise settles when the machine likes, not when the history says so. */
export const noAsync: Rule.RuleModule = {
  meta: {
    type: 'problem',
    fixable: 'code',
    docs: { description: 'forbid async, await and promises in orchestrators' },
    schema: [],
    messages: {
      await: 'No replay can repeat an await. Write {{wait}} instead{{more}}.',
      async:
        'An orchestrator is a generator: write function* here, wait with {{wait}} inside, and put what is asynchronous into an activity.',
      promise: 'A promise settles outside the history. Run several things at once with {{instead}}.',
      then: 'A promise settles outside the history. Put the work into an activity and wait for it with {{wait}}.',
    },
  },
  create(context) {
    const code = OrchestratorCode.of(context);
    const waitOf = (kind: 'saga' | 'durable'): string => (kind === 'saga' ? 'yield*' : 'yield');

    function checkFunction(node: Node): void {
      if (!isFunction(node) || node.async !== true) return;
      const kind = code.kindAt(node);
      if (kind !== undefined) context.report({ node, messageId: 'async', data: { wait: waitOf(kind) } });
    }

    return {
      AwaitExpression(node) {
        const kind = code.kindAt(node);
        if (kind === undefined) return;
        const operation = code.operationOf(node.argument as Node);
        const more = operation === undefined ? ', and put what is asynchronous into an activity' : '';
        context.report({
          node,
          messageId: 'await',
          data: { wait: waitOf(kind), more },
          fix:
            operation !== undefined && enclosingFunction(node)?.generator === true
              ? (fixer) => fixer.replaceText(node, `(yield* ${context.sourceCode.getText(node.argument)})`)
              : null,
        });
      },
      ForOfStatement(node) {
        const kind = code.kindAt(node);
        if (node.await && kind !== undefined)
          context.report({ node, messageId: 'await', data: { wait: waitOf(kind), more: '' } });
      },
      FunctionDeclaration: checkFunction,
      FunctionExpression: checkFunction,
      ArrowFunctionExpression: checkFunction,
      Identifier(node) {
        if (node.name !== 'Promise' || node.parent.type.startsWith('TS')) return;
        const kind = code.kindAt(node);
        if (kind === undefined) return;
        const instead = kind === 'saga' ? 'saga.all, saga.map or saga.race' : 'context.df.Task.all or Task.any';
        context.report({ node, messageId: 'promise', data: { instead } });
      },
      CallExpression(node) {
        if (node.callee.type !== 'MemberExpression' || node.callee.property.type !== 'Identifier') return;
        const kind = code.kindAt(node);
        if (kind === undefined || node.callee.property.name !== 'then') return;
        context.report({ node, messageId: 'then', data: { wait: waitOf(kind) } });
      },
    };
  },
};
