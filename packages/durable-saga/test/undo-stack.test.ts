import { UndoStack } from '../src/undo-stack';
import { taped } from './support/tape';

describe('the undo stack', () => {
  const activity = taped('book');
  const entry = (key: string) => ({ activity, key, input: {}, timeout: undefined });

  it('gives what is owed latest first, groups at the place where they began', () => {
    const stack = new UndoStack();
    stack.register(entry('1'));
    const group = stack.openGroup(2);
    stack.register(entry('3'));
    group.register(entry('2a'));
    group.register(entry('2b'));
    const seen = stack.inReverse().map((owed) => (owed.kind === 'undo' ? owed.key : owed.undos.inReverse().length));
    expect(seen).toEqual(['3', 2, '1']);
  });

  it('forgets what is dropped, and groups in which nothing is owed', () => {
    const stack = new UndoStack();
    const owed = stack.register(entry('1'));
    stack.openGroup(2).openGroup(1);
    stack.drop(owed);
    stack.drop(owed);
    expect(stack.inReverse()).toEqual([]);
  });
});
