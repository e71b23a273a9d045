import type { OwedData } from '../src/runner/undo-stack';
import { UndoStack } from '../src/runner/undo-stack';
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

  it('outlives its history as data, with groups, known outputs and times', () => {
    const stack = new UndoStack();
    Object.assign(stack.register({ ...entry('1'), timeout: 500 }), { hasOutput: true, output: undefined });
    const group = stack.openGroup(2);
    Object.assign(group.register(entry('2a')), { notBefore: 7 });
    stack.openGroup(Infinity).register(entry('3'));
    const definitions = { activities: new Map([[activity.name, activity]]), sagas: new Map() };
    const restored = new UndoStack();
    restored.restore(JSON.parse(JSON.stringify(stack.toData())) as OwedData[], definitions);
    expect(restored.toData()).toEqual(stack.toData());
    expect(restored.inReverse()).toMatchObject([
      { kind: 'group', concurrency: Infinity },
      { kind: 'group', concurrency: 2 },
      { kind: 'undo', key: '1', activity, timeout: 500, hasOutput: true, output: undefined },
    ]);
  });

  it('keeps what is owed where the build has no activity for it', () => {
    const stack = new UndoStack();
    stack.register(entry('1'));
    const restored = new UndoStack();
    restored.restore(stack.toData(), { activities: new Map() });
    expect(restored.inReverse()).toMatchObject([{ kind: 'undo', name: 'book', key: '1', activity: undefined }]);
    expect(restored.toData()).toEqual(stack.toData());
  });
});
