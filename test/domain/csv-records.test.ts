import { readCsvRecords, type CsvRecord, type OpenBytes } from '../../src/domain/csv-records';
import { openBytes } from '../support/csv-bytes';

const START = { offset: 0, row: 1 };

async function readAll(open: OpenBytes, columnCount?: number, from = START): Promise<CsvRecord[]> {
  const records: CsvRecord[] = [];
  for await (const record of readCsvRecords(open, from, columnCount)) records.push(record);
  return records;
}

const awkward =
  '\uFEFForder,name,note\r\n' +
  '1,"Grüner ""Tee""","two\r\nlines"\r\n' +
  '\r\n' +
  '2,plain,\n' +
  '3,"never closed,x\n' +
  '4,a,b\r\n' +
  '5,too,many,columns\n' +
  ',,\n' +
  '6,stray" quote,x\n' +
  '7,"quoted" and on,x\n' +
  '8,日本,"🙂"\n' +
  '9,last,"open';

describe('reading CSV records', () => {
  it('gives each record with its row, offsets and fields', async () => {
    const text = 'a,b\n1,"x\ny"\n\n2,z\n';
    expect(await readAll(openBytes(text))).toEqual([
      { row: 1, offset: 0, end: 4, fields: ['a', 'b'] },
      { row: 2, offset: 4, end: 12, fields: ['1', 'x\ny'] },
      { row: 4, offset: 13, end: 17, fields: ['2', 'z'] },
    ]);
  });

  it('reads CRLF, a byte order mark, quotes in quotes and a last line without a line break', async () => {
    const rows = await readAll(openBytes('\uFEFFa,b\r\n1,"say ""hi"""\r\n2,c'));
    expect(rows.map(({ fields }) => fields)).toEqual([
      ['a', 'b'],
      ['1', 'say "hi"'],
      ['2', 'c'],
    ]);
  });

  it('loses one line to a stray quote, not the lines after it', async () => {
    const rows = await readAll(openBytes(awkward), 3);
    expect(rows.map(({ row, fields, problem }) => [row, fields[0], problem])).toEqual([
      [1, 'order', undefined],
      [2, '1', undefined],
      [4, '2', undefined],
      [5, '3', 'a quoted field goes on after its closing quote (a quote inside it is written as two)'],
      [6, '4', undefined],
      [7, '5', 'expected 3 columns, got 4'],
      [9, '6', 'a quote stands inside a field that is not quoted'],
      [10, '7', 'a quoted field goes on after its closing quote (a quote inside it is written as two)'],
      [11, '8', undefined],
      [12, '9', 'a quote in this row is not closed'],
    ]);
  });

  it('takes a quote that is closed lines later for a stray one when the columns do not add up', async () => {
    const rows = await readAll(openBytes('1,"a\n2,b\n3,c",d\n4,e\n'), 2);
    expect(rows.map(({ row, fields, problem }) => [row, fields, problem])).toEqual([
      [1, ['1', 'a'], 'a quote in this row is not closed'],
      [2, ['2', 'b'], undefined],
      [3, ['3', 'c', 'd'], 'a quote stands inside a field that is not quoted'],
      [4, ['4', 'e'], undefined],
    ]);
  });

  it('gives up a row of more than 32,768 characters and finds the next one', async () => {
    const rows = await readAll(openBytes(`1,"${'x'.repeat(200_000)}\n2,b\n`, [4096]), 2);
    expect(rows.map(({ row, problem }) => [row, problem])).toEqual([
      [1, 'the row is longer than 32768 characters, or a quote in it is not closed'],
      [2, undefined],
    ]);
  });

  it('marks a row that is not UTF-8 or holds a NUL', async () => {
    const bytes = Buffer.concat([Buffer.from('1,Caf'), Buffer.from([0xe9]), Buffer.from('\n2,a\0b\n3,ok\n')]);
    expect((await readAll(openBytes(bytes), 2)).map(({ problem }) => problem)).toEqual([
      'the row is not UTF-8 text',
      'the row is not UTF-8 text',
      undefined,
    ]);
  });

  it('gives nothing for an empty file', async () => {
    expect(await readAll(openBytes(''))).toEqual([]);
    expect(await readAll(openBytes('\n\r\n\n'))).toEqual([]);
  });

  it('gives the same however the bytes are cut into chunks', async () => {
    const whole = await readAll(openBytes(awkward), 3);
    for (const sizes of [[1], [2], [3], [5], [7, 1], [1, 64], [13, 2, 29]]) {
      expect(await readAll(openBytes(awkward, sizes), 3)).toEqual(whole);
    }
  });

  it('goes on from any record as if it had read all before it', async () => {
    const whole = await readAll(openBytes(awkward), 3);
    for (const [index, { end, row }] of whole.entries()) {
      const rest = await readAll(openBytes(awkward, [5]), 3, { offset: end, row: row + 1 });
      const expected = whole.slice(index + 1);
      expect(rest.map(({ fields, problem }) => ({ fields, problem }))).toEqual(
        expected.map(({ fields, problem }) => ({ fields, problem })),
      );
      expect(rest.map(({ row: found }) => found)).toEqual(expected.map(({ row: found }) => found));
    }
  });

  it('closes the file when the reader stops early', async () => {
    let isClosed = false;
    const open: OpenBytes = async function* () {
      try {
        for (;;) yield Buffer.from('a,b\n');
      } finally {
        isClosed = true;
      }
    };
    for await (const record of readCsvRecords(open, START)) if (record.row === 10) break;
    expect(isClosed).toBe(true);
  });

  it('passes on an error of the file', async () => {
    const open: OpenBytes = async function* () {
      yield Buffer.from('a,b\n1,2\n');
      throw new Error('the store is gone');
    };
    await expect(readAll(open)).rejects.toThrow('the store is gone');
  });
});
