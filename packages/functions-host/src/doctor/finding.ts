/** What was found out about one thing. A `problem` keeps the app from running, or parts of it; a `warning` may. */
export interface Finding {
  readonly status: 'ok' | 'info' | 'warning' | 'problem';
  readonly message: string;
}

/** Findings about one subject, in the order in which they are told. */
export interface Section {
  readonly title: string;
  readonly findings: readonly Finding[];
}

export const ok = (message: string): Finding => ({ status: 'ok', message });
export const info = (message: string): Finding => ({ status: 'info', message });
export const warning = (message: string): Finding => ({ status: 'warning', message });
export const problem = (message: string): Finding => ({ status: 'problem', message });
