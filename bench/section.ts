/** What the bench measures, as parts that know nothing of each other: `main.ts` runs them one after the other. */
export interface Section {
  /** As given on the command line. */
  readonly name: string;
  /** Stands above its table. */
  readonly title: string;
  /** Takes minutes, and runs only when it is asked for by name. */
  readonly isLong?: boolean;
  measure(run: Run): Promise<SectionResult>;
}

/** What a section is given. */
export interface Run {
  /** The repository's folder. */
  readonly root: string;
  /** An empty folder, removed afterwards. */
  readonly folder: string;
  readonly options: BenchOptions;
  /** Says how far it is. */
  say(text: string): void;
}

export interface BenchOptions {
  readonly peers: boolean;
  readonly sections: readonly string[] | undefined;
  readonly repeats: number;
  readonly verifyReplay: 'all' | 'sample' | 'off';
  readonly logLevel: string;
  /** Another build of the host to compare with: a folder of the package. */
  readonly against: string | undefined;
  /** Another build of durable-saga, for the overhead's section: a folder of the package. */
  readonly toolkit: string | undefined;
  /** Where the JSON file goes. */
  readonly json: string | undefined;
  /** Passed to the host's Node. */
  readonly nodeArguments: string | undefined;
  /** Names of rounds to run; all without. */
  readonly rounds: readonly string[] | undefined;
}

export interface SectionResult {
  /** What was measured against what, and how: a line for each subject. */
  readonly notes: readonly string[];
  readonly figures: readonly Figure[];
}

/** One quantity of one subject, once for each repeat. */
export interface Figure {
  readonly quantity: string;
  readonly unit: string;
  readonly subject: string;
  readonly values: readonly number[];
}
