// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a bound alone, as drivers have it: interfaces are rows, too; no `any` comes out
type AnyRow = Readonly<Record<string, any>>;

/** A transaction of the caller's, e.g. a `PoolClient` of `pg` after `begin`. What a row has in it is the caller's word. */
export interface Transaction {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- for the caller to name, as drivers have it
  query<Row extends AnyRow = Readonly<Record<string, unknown>>>(
    sql: string,
    values: unknown[],
  ): Promise<{ readonly rows: Row[]; readonly rowCount: number | null }>;
}
