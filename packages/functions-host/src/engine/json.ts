/** JSON of any value; 'null' for what JSON has no word for. */
export function toJson(value: unknown): string {
  return stringify(value) ?? 'null';
}

function stringify(value: unknown): string | undefined {
  return JSON.stringify(value);
}
