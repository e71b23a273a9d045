/** CPU time and memory of processes with all their descendants, from /proc; so the bench runs on Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** proc(5): clock ticks are hundredths of a second to programs, whatever the kernel's own rate. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** Seconds of user and system time, of descendants that have ended and been waited for as well. */
  readonly cpu: number;
}

/** `pid (name) state ppid ...`, fields 14 to 17 being times; the name may hold anything, so the last bracket counts. */
export function parseStat(text: string): ProcessTimes {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0);
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  return { pid: Number.parseInt(text, 10), parent: Number(fields[1]), name, cpu: ticks / TICKS_PER_SECOND };
}

function readAll(): Map<number, ProcessTimes> {
  const all = new Map<number, ProcessTimes>();
  for (const entry of readdirSync('/proc')) {
    const text = /^\d+$/.test(entry) ? readIfThere(`/proc/${entry}/stat`) : undefined;
    if (text !== undefined) all.set(Number(entry), parseStat(text));
  }
  return all;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function treeOf(roots: readonly number[]): ProcessTimes[] {
  const all = readAll();
  const isInside = (one: ProcessTimes | undefined): boolean =>
    one !== undefined && (roots.includes(one.pid) || isInside(all.get(one.parent)));
  return [...all.values()].filter(isInside);
}

/** Seconds of CPU time that the trees of these processes have used so far. */
export function readCpu(roots: readonly number[]): number {
  return treeOf(roots).reduce((sum, { cpu }) => sum + cpu, 0);
}

/** Seconds of CPU time. */
export interface CpuTime {
  readonly loadGenerator: number;
  readonly database: number;
  /** Everything else: host, server, supervisor. */
  readonly engine: number;
}

/** The same, told apart by what the processes are for. */
export function readCpuByUse(roots: readonly number[], loadGenerator: number): CpuTime {
  const time = { loadGenerator: 0, database: 0, engine: 0 };
  for (const { pid, name, cpu } of treeOf(roots)) {
    time[pid === loadGenerator ? 'loadGenerator' : name === 'postgres' ? 'database' : 'engine'] += cpu;
  }
  return time;
}

/** MiB that the trees hold now, memory shared among processes counted once (Pss). */
export function readMemory(roots: readonly number[]): number {
  let kib = 0;
  for (const { pid } of treeOf(roots)) {
    const text = readIfThere(`/proc/${pid}/smaps_rollup`);
    kib += Number(/^Pss: +(\d+) kB/m.exec(text ?? '')?.[1] ?? 0);
  }
  return kib / 1024;
}

/** MiB that one process holds in memory now, shared parts included (VmRSS). */
export function readResident(pid: number): number {
  const text = readIfThere(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text ?? '')?.[1] ?? 0) / 1024;
}

/** Ends these processes and all their descendants at once. */
export function killTrees(roots: readonly number[]): void {
  for (const { pid } of treeOf(roots)) process.kill(pid, 'SIGKILL');
}

/** The child of a process whose command line is as said. @throws Error when there is none. */
export function childOf(parent: number, isMeant: (command: string) => boolean): number {
  for (const one of readAll().values()) {
    if (one.parent === parent && isMeant(readIfThere(`/proc/${one.pid}/cmdline`) ?? '')) return one.pid;
  }
  throw new Error(`Process ${parent} has no such child.`);
}

/** The system's load: how many processes wanted a core, on average over the last minute. */
export function readLoad(): number {
  return Number.parseFloat(readFileSync('/proc/loadavg', 'utf8'));
}
