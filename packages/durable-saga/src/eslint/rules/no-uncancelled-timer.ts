import type { Rule, Scope } from 'eslint';
import type { Node, NodeOf } from '../orchestrator-code';
import { OrchestratorCode, parentOf } from '../orchestrator-code';

/** A plain orchestrator stays running until its last timer has fired, also the one that lost a race. */
export const noUncancelledTimer: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'require that the timer of a race is cancelled' },
    schema: [],
    messages: {
      never:
        "The instance stays running until '{{name}}' fires, even when the race is lost. Write {{name}}.cancel() when it ends otherwise.",
      nameless:
        'This timer can never be cancelled, and keeps the instance running until it fires. Keep it in a variable and cancel() it when the race ends otherwise.',
    },
  },
  create(context) {
    const code = OrchestratorCode.of(context);
    return {
      CallExpression(node) {
        if (code.kindAt(node) !== 'durable' || !isCallOf(node, 'any')) return;
        const [members] = node.arguments;
        if (members?.type !== 'ArrayExpression') return;
        for (const member of members.elements) {
          if (member?.type === 'CallExpression' && isCallOf(member as Node, 'createTimer')) {
            context.report({ node: member, messageId: 'nameless' });
          } else if (member?.type === 'Identifier') {
            const variable = code.variableAt(node, member.name);
            if (variable === undefined || !isTimer(variable) || isCancelled(variable)) continue;
            context.report({ node: member, messageId: 'never', data: { name: member.name } });
          }
        }
      },
    };
  },
};

function isTimer({ defs }: Scope.Variable): boolean {
  const declarator = defs[0]?.node as Node | undefined;
  return declarator?.type === 'VariableDeclarator' && isCallOf(declarator.init as Node | null, 'createTimer');
}

function isCancelled({ references }: Scope.Variable): boolean {
  return references.some(({ identifier }) => {
    const member = parentOf(identifier as Node);
    return (
      member?.type === 'MemberExpression' && member.property.type === 'Identifier' && member.property.name === 'cancel'
    );
  });
}

function isCallOf(node: Node | null, name: string): node is NodeOf<'CallExpression'> {
  if (node?.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return false;
  const { property } = node.callee;
  return property.type === 'Identifier' && property.name === name;
}
