import { type TypedData, typedDataToJsonText } from './typed-data';

/** The value that a handler gets for an input binding, as the library decodes it. */
export function fromTypedData(data: TypedData): unknown {
  if (data.string !== undefined) {
    try {
      return JSON.parse(data.string) as unknown;
    } catch {
      return data.string;
    }
  }
  if (data.bytes !== undefined) return Buffer.from(data.bytes);
  return JSON.parse(typedDataToJsonText(data)) as unknown;
}
