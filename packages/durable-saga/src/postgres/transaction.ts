/** A transaction of the caller's, e.g. a `PoolClient` of `pg` after `begin`. */
export interface Transaction {
  query(sql: string, values: unknown[]): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>;
}
