import { z } from 'zod';

/** Control characters but for tabs and ends of lines, and halves of surrogate pairs; no database keeps all of them. */
const unprintable = /[^\P{Cc}\t\n\r]|\p{Cs}/u;

/** What somebody says: a name, a reason. Blanks at its ends are taken off. */
export function textOf(longest: number) {
  const form = `expected 1 to ${longest} printable characters`;
  return z
    .string(form)
    .trim()
    .min(1, form)
    .max(longest, form)
    .refine((text) => !unprintable.test(text), form);
}

const unkeepable = /\0|\p{Cs}/gu;

/** The text with a replacement character for what PostgreSQL does not keep: NUL, and halves of surrogate pairs. */
export function toKeepable(text: string): string {
  return text.replace(unkeepable, '\ufffd');
}

/** `PaymentFailed`, `payment-failed` and `payment failed` as `payment_failed`. */
export function toSnakeCase(text: string): string {
  return text
    .trim()
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
    .replaceAll(/[\s_-]+/g, '_')
    .toLowerCase();
}
