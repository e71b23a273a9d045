import { StartError } from '../host/start-error';
import { messageOf } from './failures';
import { findJsonFault } from './json-fault';

/**
 * Reads JSON as Azure's tools take it in settings files: with comments, commas after the last entry and a byte order
 * mark. Throws a `StartError` that names the file, the line and the column.
 */
export function parseJsonc(text: string, file: string): unknown {
  const json = blankOut(text);
  try {
    return JSON.parse(json);
  } catch (error) {
    const fault = findJsonFault(json);
    throw new StartError(
      fault === undefined
        ? `${file} is not valid JSON: ${messageOf(error)}`
        : `${file} is not valid JSON: line ${fault.line}, column ${fault.column}: expected ${fault.expected}, got ${fault.got}.`,
    );
  }
}

/** Blanks take the place of what JSON doesn't know, so that positions in error messages still hold. */
function blankOut(text: string): string {
  // A string is matched first, so that what looks like a comment or a comma inside one is left alone.
  const withoutComments = text.replace(/"(?:\\.|[^"\\])*"|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g, (match) =>
    match.startsWith('"') ? match : blanksFor(match),
  );
  const withoutCommas = withoutComments.replace(/"(?:\\.|[^"\\])*"|,(?=\s*[}\]])/g, (match) =>
    match.startsWith('"') ? match : ' ',
  );
  return withoutCommas.replace(/^\uFEFF/, ' ');
}

function blanksFor(comment: string): string {
  return comment.replace(/[^\r\n]/g, ' ');
}
