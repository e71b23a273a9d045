/*
 * Makes stacks tell places of the sources instead of the bundle. It is part of the package and is loaded before the app.
 *
 * Node can do this itself (`--enable-source-maps`), but then reads the map of each file that it loads, 25 ms of a start, and in Azure
 * nobody may add to the worker's command line on every plan. Here a map is read when a stack with the file in it is first shown.
 */
const { readFileSync } = require('node:fs');
const { SourceMap } = require('node:module');
const path = require('node:path');

const maps = new Map();

/** The map of one of the package's files; undefined for any other and where it can't be read: then the place stays as it is. */
function mapOf(file) {
  if (typeof file !== 'string' || path.dirname(file) !== __dirname) return undefined;
  if (!maps.has(file)) maps.set(file, read(`${file}.map`));
  return maps.get(file);
}

function read(file) {
  try {
    return new SourceMap(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

function show(frame) {
  const [file, line, column] = [frame.getFileName(), frame.getLineNumber(), frame.getColumnNumber()];
  const text = String(frame);
  const found = mapOf(file)?.findEntry(line - 1, column - 1);
  if (found?.originalSource === undefined) return text;
  const source = path.join(path.dirname(file), found.originalSource);
  return text.replace(
    `${file}:${line}:${column}`,
    () => `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`,
  );
}

function head(error) {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}

Error.prepareStackTrace = (error, frames) =>
  [head(error), ...frames.map((frame) => `    at ${show(frame)}`)].join('\n');
