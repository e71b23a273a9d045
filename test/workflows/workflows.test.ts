import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

/** What each workflow keeps to, whatever it does; and that what deploys needs no more than its documentation says. */

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly uses?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly environment?: string;
  readonly concurrency?: { readonly group: string; readonly 'cancel-in-progress': unknown };
  readonly steps?: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: { readonly group: string; readonly 'cancel-in-progress': unknown };
  readonly jobs: Readonly<Record<string, Job>>;
}

const root = path.join(__dirname, '../..');
const folder = path.join(root, '.github/workflows');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const workflows = readdirSync(folder).map((file) => {
  const text = read(`.github/workflows/${file}`);
  return { file, text, workflow: parse(text) as Workflow };
});
const jobs = workflows.flatMap(({ file, workflow }) =>
  Object.entries(workflow.jobs).map(([name, job]) => ({ name: `${file} ${name}`, job })),
);
const steps = jobs.flatMap(({ name, job }) => (job.steps ?? []).map((step) => ({ name, step })));
const scriptsOf = (text: string) =>
  new Set([...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name]) => name));

describe('every workflow', () => {
  it('uses actions by their commit, and says which version that is', () => {
    const used = workflows.flatMap(({ text }) => [...text.matchAll(/uses: (.*)/g)].map(([, use]) => use ?? ''));
    const remote = used.filter((use) => !use.startsWith('./'));
    expect(remote.length).toBeGreaterThan(10);
    expect(remote.filter((use) => !/^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(use))).toEqual([]);
    // One action, one version.
    const versions = new Map(remote.map((use) => [use.replace(/(?:\/(?:init|analyze))?@.*/, ''), new Set<string>()]));
    for (const use of remote) versions.get(use.replace(/(?:\/(?:init|analyze))?@.*/, ''))?.add(use.replace(/.*@/, ''));
    expect([...versions].filter(([, found]) => found.size !== 1)).toEqual([]);
  });

  it('has no rights of its own; each job has those that it needs', () => {
    expect(workflows.filter(({ workflow }) => JSON.stringify(workflow.permissions) !== '{}')).toEqual([]);
    expect(jobs.filter(({ job }) => job.permissions === undefined).map(({ name }) => name)).toEqual([]);
    const rights = jobs.flatMap(({ name, job }) =>
      Object.entries(job.permissions ?? {})
        .filter(([right, level]) => `${right} ${level}` !== 'contents read')
        .map(([right, level]) => `${name}: ${right} ${level}`),
    );
    expect(rights).toEqual([
      'codeql.yml analyse: security-events write',
      'deploy.yml staging: id-token write',
      'deploy.yml production: id-token write',
      'roll-out.yml roll-out: id-token write',
      'roll-out.yml shift-traffic: id-token write',
      'shift-traffic.yml shift-traffic: id-token write',
    ]);
  });

  it('ends some time, and leaves no credentials in a checkout', () => {
    const endless = jobs.filter(({ job }) => job.uses === undefined && job['timeout-minutes'] === undefined);
    expect(endless.map(({ name }) => name)).toEqual([]);
    const open = steps.filter(
      ({ step }) => step.uses?.startsWith('actions/checkout') && step.with?.['persist-credentials'] !== false,
    );
    expect(open.map(({ name }) => name)).toEqual([]);
  });

  it('has no stored secret, and never runs strangers’ code with rights', () => {
    for (const { file, text, workflow } of workflows) {
      expect({ file, secrets: text.match(/\bsecrets\b/g) }).toEqual({ file, secrets: null });
      expect(Object.keys(workflow.on)).not.toContain('pull_request_target');
      expect(Object.keys(workflow.on)).not.toContain('workflow_run');
    }
  });

  it('gives scripts what they need as variables: an expression in a script is a hole', () => {
    expect(steps.filter(({ step }) => step.run?.includes('${{')).map(({ name }) => name)).toEqual([]);
  });

  it('runs scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const asked = workflows.flatMap(({ text }) => [...scriptsOf(text)]);
    expect(asked).toContain('package');
    expect(asked.filter((name) => name === undefined || !(name in scripts))).toEqual([]);
  });
});

describe('what deploys', () => {
  const rollOut = workflows.find(({ file }) => file === 'roll-out.yml');
  const deploy = workflows.find(({ file }) => file === 'deploy.yml');
  const job = rollOut?.workflow.jobs['roll-out'];

  it('never overlaps with another deployment, and is never cut short', () => {
    expect(job?.concurrency).toEqual({ group: 'roll-out-${{ inputs.environment }}', 'cancel-in-progress': false });
    expect(deploy?.workflow.concurrency?.['cancel-in-progress']).toBe(false);
    expect(job?.environment).toBe('${{ inputs.environment }}');
  });

  it('goes to staging, and only then to production', () => {
    const called = Object.values(deploy?.workflow.jobs ?? {}) as (Job & { needs?: string; with?: object })[];
    const inTurn = called.filter(({ uses }) => uses === './.github/workflows/roll-out.yml');
    expect(inTurn).toMatchObject([
      { needs: 'package', with: { environment: 'staging' } },
      { needs: 'staging', with: { environment: 'production' } },
    ]);
  });

  it('moves traffic without waiting for a whole roll-out, for the app that the roll-out was for', () => {
    const shift = workflows.find(({ file }) => file === 'shift-traffic.yml')?.workflow.jobs['shift-traffic'];
    expect(shift?.concurrency).toEqual({
      group: 'shift-traffic-${{ inputs.environment }}',
      'cancel-in-progress': false,
    });
    expect(shift?.environment).toBe(job?.environment);
    expect(rollOut?.workflow.jobs['shift-traffic']).toMatchObject({
      needs: 'roll-out',
      if: "inputs.strategy == 'blue-green' && inputs.weight != '0'",
      uses: './.github/workflows/shift-traffic.yml',
      with: { app: '${{ needs.roll-out.outputs.app }}', weight: '${{ inputs.weight }}' },
    });
    const inputs = { strategy: "${{ inputs.strategy || 'in-place' }}", weight: "${{ inputs.weight || '0' }}" };
    for (const name of ['staging', 'production']) {
      expect(deploy?.workflow.jobs[name]).toMatchObject({ with: inputs });
    }
  });

  it("takes over the other app's callers only for an app that nobody calls yet", () => {
    const copying = job?.steps?.filter(({ run = '' }) => run.includes('caller-keys')) ?? [];
    expect(copying).toMatchObject([{ if: "inputs.strategy == 'blue-green' && env.OTHER_APP_NAME != ''" }]);
  });

  it('installs nothing where it has rights in Azure', () => {
    const shift = workflows.find(({ file }) => file === 'shift-traffic.yml')?.workflow.jobs['shift-traffic'];
    const risky = [...(job?.steps ?? []), ...(shift?.steps ?? [])].filter(
      ({ run = '', uses = '' }) => /\bnpm\b|\bnpx\b/.test(run) || uses.includes('checkout'),
    );
    expect(risky).toEqual([]);
  });

  it('hands on all that infra/main.bicepparam reads', () => {
    const wanted = [...read('infra/main.bicepparam').matchAll(/readEnvironmentVariable\('(\w+)'/g)].map(
      ([, name]) => name,
    );
    const given = Object.keys(
      (parse(rollOut?.text ?? '') as { jobs: { 'roll-out': { env: object } } }).jobs['roll-out'].env,
    );
    // How traffic stands is no variable of anybody: a step asks Azure for it.
    expect([...new Set(wanted)].filter((name) => !given.includes(name ?? ''))).toEqual([
      'GREEN_WEIGHT',
      'BLUE_DUTY',
      'GREEN_DUTY',
    ]);
  });

  it('reads the variables that docs/deployment.md lists, and no others', () => {
    const used = workflows.flatMap(({ text }) => [...text.matchAll(/\bvars\.(\w+)/g)].map(([, name]) => name));
    const section = /\n## Variables\n([\s\S]*?)\n## /.exec(read('docs/deployment.md'))?.[1] ?? '';
    const told = [...section.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, name]) => name);
    expect([...new Set(told)].sort()).toEqual([...new Set(used)].sort());
  });
});
