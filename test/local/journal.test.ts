import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openJournal, type Journal, type Position } from '../../local/stand-in/journal';

interface Note {
  readonly text: string;
}

describe('the journal', () => {
  let folder: string;
  let file: string;
  const open: Journal<Note>[] = [];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'journal-'));
    file = path.join(folder, 'deep', 'notes.ndjson');
  });

  afterEach(() => {
    for (const journal of open.splice(0)) journal.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const reopen = (format = 'notes/1'): { journal: Journal<Note>; notes: string[]; positions: Position[] } => {
    const notes: string[] = [];
    const positions: Position[] = [];
    const journal = openJournal<Note>({
      file,
      format,
      replay(note, position) {
        notes.push(note.text);
        positions.push(position);
      },
    });
    open.push(journal);
    return { journal, notes, positions };
  };

  it('gives back what was appended, in order, at the next start', () => {
    const { journal } = reopen();
    for (const text of ['one', 'zwölf ✓', 'three\nlines']) journal.append({ text });
    expect(reopen().notes).toEqual(['one', 'zwölf ✓', 'three\nlines']);
  });

  it('reads an entry again by its position, new or replayed', () => {
    const { journal } = reopen();
    journal.append({ text: 'first' });
    const position = journal.append({ text: 'grün' });
    expect(journal.read(position)).toEqual({ text: 'grün' });
    const again = reopen();
    expect(again.positions[1]).toEqual(position);
    expect(again.journal.read(position)).toEqual({ text: 'grün' });
  });

  it('replays lines that are longer than what is read at once', () => {
    const { journal } = reopen();
    const texts = [1, 2, 3].map((n) => String(n).repeat(700_000));
    for (const text of texts) journal.append({ text });
    const again = reopen();
    expect(again.notes).toEqual(texts);
    expect(again.journal.read(again.positions[2]!)).toEqual({ text: texts[2] });
  });

  it('cuts off the end of a write that was never finished, and goes on behind what is whole', () => {
    reopen().journal.append({ text: 'whole' });
    appendFileSync(file, '{"text":"ha');
    const again = reopen();
    expect(again.notes).toEqual(['whole']);
    again.journal.append({ text: 'next' });
    expect(reopen().notes).toEqual(['whole', 'next']);
  });

  it('loses at most the entry whose bytes are missing, wherever the file was cut', () => {
    const { journal } = reopen();
    const ends = ['one', 'two', 'three'].map((text) => {
      const { offset, length } = journal.append({ text });
      return offset + length;
    });
    const whole = readFileSync(file);
    for (let size = ends[0]!; size < whole.length; size += 1) {
      writeFileSync(file, whole);
      truncateSync(file, size);
      expect(reopen().notes).toHaveLength(ends.filter((end) => end <= size).length);
    }
  });

  it('refuses a damaged line and says which', () => {
    const { journal } = reopen();
    journal.append({ text: 'one' });
    appendFileSync(file, 'not json\n');
    journal.append({ text: 'three' });
    expect(() => reopen()).toThrow(/notes\.ndjson, line 3: expected a line of JSON, got "not json"/);
  });

  it('refuses a file of another format', () => {
    reopen().journal.append({ text: 'one' });
    expect(() => reopen('notes/2')).toThrow(/expected a file of the format "notes\/2", got "notes\/1"/);
  });

  it('is empty after it was cleared, also at the next start', () => {
    const { journal } = reopen();
    journal.append({ text: 'old' });
    journal.clear();
    journal.append({ text: 'new' });
    expect(reopen().notes).toEqual(['new']);
  });
});
