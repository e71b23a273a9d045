/**
 * Who works on a task hub in PostgreSQL, and who waits for it.
 *
 * The owner holds an advisory lock on a connection of its own. When its process ends, however it does, the server ends
 * that connection and the lock is free at once: that is how a standby learns of a death within a fraction of a second.
 * A process that hangs, or a machine that is gone, keeps its connection; so the owner also raises a beat in the hub's
 * lease row, and a standby that has seen no beat for a few seconds takes over and ends the old owner's connection.
 * The beat is compared with its last value only: clocks of two machines never meet.
 *
 * Neither decides who may write. Taking over raises the hub's epoch, and commits name theirs; an owner that was wrongly
 * given up for dead writes nothing more. Being wrong here costs a change of hosts and never data.
 *
 * When the server was away, both hosts lost their connections. A standby then waits for as long as it would for a beat
 * before it tries the lock again, so that the owner goes on instead of being replaced.
 */
import { crc32 } from 'node:zlib';
import { Client } from 'pg';
import type { Clock, Scheduled } from '../clock';
import { toStoreError } from './postgres-errors';
import type { Read } from './postgres-unfinished';
import { describeOwner, StoreFenced, StoreUnavailable, type HubClaim, type HubSight } from './store';

/** How often the owner raises its beat. */
const BEAT_MS = 1_000;
/** How often a standby looks. */
const LOOK_MS = 200;
/** A standby gives the owner up after this many looks that found no new beat: 3 seconds. */
const LOOKS_WITHOUT_BEAT = 15;
const TIMEOUT_MS = 2_000;
/** How often it is looked whether a connection that was told to end has ended. */
const HANDOVER_MS = 20;

/** Advisory locks of this program; the second key is made of the hub's schema. */
const LOCK_CLASS = 70_712_026;

export interface LeaseOptions {
  readonly url: string;
  /** The hub's schema, quoted. */
  readonly schema: string;
}

/** What taking over found. */
export interface Granted {
  readonly epoch: number;
  readonly nextNo: number;
}

interface LeaseRow {
  readonly epoch: string;
  readonly beat: string;
  readonly machine: string;
  readonly pid: number;
  readonly url: string;
  readonly secret: string;
}

/** SQLSTATE of a table, or a whole schema, that is not there. */
const UNDEFINED_TABLE = '42P01';

/** A task hub from outside, by its schema (quoted). */
export async function lookAtLease(read: Read, schema: string): Promise<HubSight> {
  try {
    const [row] = await read<LeaseRow>(`SELECT * FROM ${schema}.lease`, []);
    if (row === undefined || Number(row.epoch) < 0) return 'untouched';
    const { epoch, beat, machine, pid, url, secret } = row;
    return { owner: { machine, pid, url, secret }, pulse: `${epoch} ${beat}` };
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { code?: unknown };
    if (code === UNDEFINED_TABLE) return 'absent';
    throw error;
  }
}

type Stage = 'waiting' | 'owning' | 'closed';

/** One host's claim on the hub: it waits, then owns, then ends. */
export class PostgresLease {
  readonly #options: LeaseOptions;
  readonly #claim: HubClaim;
  readonly #clock: Clock;
  readonly #lockKey: number;
  #client: Client | undefined;
  #hasLock = false;
  #stage: Stage = 'waiting';
  #epoch = 0;
  #next: Scheduled | undefined;
  /** Ends a pause early. */
  #wake: (() => void) | undefined;
  /** The lease as the last look found it, and how many looks found the same. */
  #seen: LeaseRow | undefined;
  #looksSinceBeat = 0;
  /** Looks to pass before the lock is tried again after an outage. */
  #grace = 0;

  constructor(options: LeaseOptions, claim: HubClaim) {
    this.#options = options;
    this.#claim = claim;
    this.#clock = claim.clock;
    this.#lockKey = crc32(options.schema) & 0x7fffffff;
  }

  /** Resolves once the hub is this host's. Throws `StoreUnavailable` when the very first look fails, or when closed. */
  async acquire(): Promise<Granted> {
    for (let isFirst = true; ; isFirst = false) {
      if (this.#stage === 'closed') throw new StoreUnavailable('The host stopped while it waited for the task hub.');
      try {
        const granted = await this.#look();
        if (granted !== undefined) return this.#own(granted);
      } catch (error) {
        this.#disconnect();
        if (isFirst) throw toStoreError(error);
        this.#looksSinceBeat = 0;
        this.#grace = LOOKS_WITHOUT_BEAT;
      }
      await this.#pause(LOOK_MS);
    }
  }

  async #look(): Promise<Granted | undefined> {
    const client = await this.#connect();
    if (this.#grace > 0) this.#grace -= 1;
    else if (await this.#tryLock(client)) return this.#takeOver(client);
    const row = await this.#readLease(client);
    const isSame = row.epoch === this.#seen?.epoch && row.beat === this.#seen.beat;
    if (row.epoch !== this.#seen?.epoch) this.#tellOwner(row);
    this.#looksSinceBeat = isSame ? this.#looksSinceBeat + 1 : 0;
    this.#seen = row;
    if (this.#looksSinceBeat < LOOKS_WITHOUT_BEAT) return undefined;
    this.#looksSinceBeat = 0;
    const granted = await this.#takeOver(client, row);
    if (granted !== undefined) await this.#replaceHolder(client);
    return granted;
  }

  #tellOwner({ epoch, machine, pid, url, secret }: LeaseRow): void {
    if (Number(epoch) >= 0) this.#claim.waiting({ machine, pid, url, secret });
  }

  async #tryLock(client: Client): Promise<boolean> {
    const { rows } = await client.query<{ granted: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS granted', [
      LOCK_CLASS,
      this.#lockKey,
    ]);
    return (this.#hasLock = rows[0]?.granted === true);
  }

  async #readLease(client: Client): Promise<LeaseRow> {
    const { rows } = await client.query<LeaseRow>(`SELECT * FROM ${this.#options.schema}.lease`);
    if (rows[0] === undefined) throw new StoreUnavailable('The task hub has no lease row.');
    return rows[0];
  }

  /** With `seen`, only if the lease is still as seen then: of two that wait, one takes over. */
  async #takeOver(client: Client, seen?: LeaseRow): Promise<Granted | undefined> {
    const { schema } = this.#options;
    const { machine, pid, url, secret } = this.#claim.self;
    const { rows } = await client.query<{ epoch: string; next_no: string }>(
      `WITH free AS (
         SELECT FROM ${schema}.lease WHERE $5::bigint IS NULL OR (epoch = $5::bigint AND beat = $6::bigint) FOR UPDATE
       ), taken AS (
         UPDATE ${schema}.hub SET epoch = epoch + 1, batch = 0, owner = $1 || ' ' || $2::integer
         WHERE EXISTS (SELECT FROM free) RETURNING epoch, next_no
       ), lease AS (
         UPDATE ${schema}.lease l SET epoch = t.epoch, beat = 0, machine = $1, pid = $2::integer, url = $3, secret = $4
         FROM taken t
       )
       SELECT epoch, next_no FROM taken`,
      [machine, pid, url, secret, seen?.epoch ?? null, seen?.beat ?? null],
    );
    const [row] = rows;
    return row === undefined ? undefined : { epoch: Number(row.epoch), nextNo: Number(row.next_no) };
  }

  /** Ends the connection on which a dead or hanging owner still holds the lock, and takes the lock. Its epoch is over already. */
  async #replaceHolder(client: Client): Promise<void> {
    await client
      .query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks
         WHERE locktype = 'advisory' AND classid = $1 AND objid = $2 AND granted AND pid <> pg_backend_pid()
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        [LOCK_CLASS, this.#lockKey],
      )
      .catch(() => undefined);
    for (let i = 0; i < 10 && !(await this.#tryLock(client)); i++) await this.#pause(HANDOVER_MS);
  }

  #own(granted: Granted): Granted {
    if (this.#stage === 'closed') throw new StoreUnavailable('The host stopped while it took the task hub over.');
    this.#stage = 'owning';
    this.#epoch = granted.epoch;
    this.#scheduleBeat(BEAT_MS);
    return granted;
  }

  #scheduleBeat(inMs: number): void {
    this.#next = this.#clock.schedule(this.#clock.now() + inMs, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    let pause = BEAT_MS;
    try {
      const client = await this.#connect();
      if (!this.#hasLock) await this.#tryLock(client);
      const { rowCount } = await client.query(
        `UPDATE ${this.#options.schema}.lease SET beat = beat + 1 WHERE epoch = $1`,
        [this.#epoch],
      );
      if (rowCount === 0) {
        await this.#tellLost(client);
        return;
      }
    } catch {
      // Commits tell that the store is away, and the epoch guards them.
      this.#disconnect();
      pause = LOOK_MS;
    }
    if (this.#stage === 'owning') this.#scheduleBeat(pause);
  }

  async #tellLost(client: Client): Promise<void> {
    const owner = await this.#readLease(client).catch(() => undefined);
    this.#disconnect();
    if (this.#stage !== 'owning') return;
    this.#stage = 'closed';
    this.#claim.lost(new StoreFenced(`Epoch ${this.#epoch} of the task hub ended: ${describeOwner(owner)} took over.`));
  }

  async #connect(): Promise<Client> {
    if (this.#client !== undefined) return this.#client;
    const client = new Client({
      connectionString: this.#options.url,
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      keepAlive: true,
      application_name: 'functions-host lease',
    });
    const forget = (): void => {
      if (this.#client !== client) return;
      this.#client = undefined;
      this.#hasLock = false;
    };
    client.on('error', forget);
    client.on('end', forget);
    await client.connect();
    // A beat need not survive a crash of the server, and must not cost a write to disk. Taking over is on disk with the
    // first commit that is made under its epoch, since the server writes its log in order.
    await client.query('SET synchronous_commit = off');
    if (this.#stage === 'closed') {
      await client.end();
      throw new StoreUnavailable('The host stopped.');
    }
    return (this.#client = client);
  }

  #disconnect(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#hasLock = false;
    void client?.end().catch(() => undefined);
  }

  async #pause(ms: number): Promise<void> {
    if (this.#stage === 'closed') return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#next = this.#clock.schedule(this.#clock.now() + ms, resolve);
    });
  }

  /** Lets the hub go: the next in line has it from here on. */
  async close(): Promise<void> {
    this.#stage = 'closed';
    this.#next?.cancel();
    this.#wake?.();
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }
}
