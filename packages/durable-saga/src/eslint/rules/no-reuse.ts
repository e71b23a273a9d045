import type { Rule, Scope } from 'eslint';
import type { Node } from '../orchestrator-code';
import { enclosingFunction, OrchestratorCode, parentOf } from '../orchestrator-code';

/** An operation has one key, and a generator runs once: done twice, the second time is the first again, or nothing. */
export const noReuse: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'forbid doing one operation, or running one generator, more than once' },
    schema: [],
    messages: {
      operation: "'{{name}}' is done more than once under one key. Call {{what}} anew for each time.",
      generator:
        "'{{name}}' is a generator, which runs once: the second yield* finds it at its end. Call {{what}} anew for each time.",
    },
  },
  create(context) {
    const code = OrchestratorCode.of(context);
    return {
      VariableDeclarator(node) {
        const { init, id } = node;
        if (!init || id.type !== 'Identifier' || code.kindAt(node) !== 'saga') return;
        const isOperation = code.operationOf(init as Node) !== undefined;
        if (!isOperation && !code.isGeneratorCall(init as Node)) return;
        const variable = code.variableAt(node, id.name);
        if (variable === undefined) return;
        const uses = variable.references
          .filter((reference) => reference.isRead())
          .map(({ identifier }) => identifier as Node);
        const what = code.describeCall(init as Node);
        for (const use of repeatedUses(uses, variable)) {
          context.report({
            node: use,
            messageId: isOperation ? 'operation' : 'generator',
            data: { name: id.name, what },
          });
        }
      },
    };
  },
};

/** The second of two uses that can both happen, and a use in a loop that the variable was not made in. */
function repeatedUses(uses: readonly Node[], variable: Scope.Variable): Node[] {
  const declared = variable.defs[0]?.node as Node | undefined;
  return uses.filter((use, index) => {
    if (loopOf(use) !== undefined && loopOf(use) !== (declared && loopOf(declared))) return true;
    return uses.slice(0, index).some((earlier) => !areAlternatives(earlier, use));
  });
}

function loopOf(node: Node): Node | undefined {
  const own = enclosingFunction(node);
  for (let at = parentOf(node); at !== null && at !== own; at = parentOf(at)) {
    if (/^(For|While|DoWhile|ForOf|ForIn)Statement$/.test(at.type)) return at;
  }
  return undefined;
}

/** Both branches of one `if` or `?:` never happen together; nor does what follows a branch that returns. */
function areAlternatives(a: Node, b: Node): boolean {
  for (let at: Node | null = a, below: Node = a; at !== null; below = at, at = parentOf(at)) {
    if (at.type !== 'IfStatement' && at.type !== 'ConditionalExpression') continue;
    const otherSide = (at.consequent as Node) === below ? at.alternate : at.consequent;
    if (otherSide && contains(otherSide as Node, b)) return true;
    if (at.type === 'IfStatement' && !contains(at, b) && endsInReturn(below)) return true;
  }
  return false;
}

function endsInReturn(node: Node): boolean {
  const last = node.type === 'BlockStatement' ? node.body.at(-1) : node;
  return last?.type === 'ReturnStatement' || last?.type === 'ThrowStatement';
}

function contains(outer: Node, inner: Node): boolean {
  for (let at: Node | null = inner; at !== null; at = parentOf(at)) if (at === outer) return true;
  return false;
}
