import path from 'node:path';
import { appFunctions } from '../support/app-functions';
import { deploy, Declared, readParameters } from '../support/bicep/deployment';
import type { Deployed, DeployedResource } from '../support/bicep/deployment';
import { show } from '../support/bicep/functions';
import type { Value } from '../support/bicep/functions';

/**
 * What a deployment makes of the templates, for each choice that an environment has: every name, parameter and output that is asked
 * for is there, and the app may do what its functions need, and no more.
 */

const infra = path.join(__dirname, '../../infra');
const guid = '00000000-0000-0000-0000-000000000000';
const needed = {
  AZURE_ENV_NAME: 'test',
  AZURE_LOCATION: 'westeurope',
  AZURE_PRINCIPAL_ID: guid,
  AZURE_PRINCIPAL_NAME: 'deployer',
  PAYMENT_PROVIDER_URL: 'https://pay.example.com',
  CARRIER_URL: 'https://carrier.example.com',
  MAIL_FROM: 'orders@example.com',
  OPS_EMAIL: 'ops@example.com',
  CURRENCY: 'eur',
  APPROVAL_THRESHOLD: '5000.00',
};
const deployWith = (variables: Readonly<Record<string, string>> = {}): Deployed =>
  deploy(
    path.join(infra, 'main.bicep'),
    readParameters(path.join(infra, 'main.bicepparam'), { ...needed, ...variables }),
  );

const flags = ['PRIVATE_NETWORKING', 'SECOND_APP'];
const choices = ['scheduler', 'storage'].flatMap((hub) =>
  flags.reduce(
    (all, flag) => all.flatMap((one) => ['false', 'true'].map((value) => ({ ...one, [flag]: value }))),
    [{ TASK_HUB_PROVIDER: hub }],
  ),
);

const nameOf = (body: Readonly<Record<string, Value>>): string => show(body['name'] ?? '');

/** With the names of those that it is a part of. */
function nameOfSymbol(symbol: Value | undefined): string {
  if (!(symbol instanceof Declared)) return '';
  const body = symbol.template.bodyOf(symbol, ['name', 'parent']);
  return `${nameOfSymbol(body['parent'])}/${nameOf(body)}`;
}

describe('a deployment', () => {
  it.each(choices)('can be worked out with %j, and makes nothing twice', (choice) => {
    const { resources, outputs } = deployWith(choice);
    expect(resources.length).toBeGreaterThan(50);
    const places = resources.map(({ type, body }) => {
      const { parent, scope } = body;
      return `${type} ${nameOf(body)} of ${[parent, scope].map(nameOfSymbol).join()}`;
    });
    const isZone = (place: string): boolean => place.startsWith('Microsoft.Network/privateDnsZones');
    const twice = places.filter((place, index) => places.indexOf(place) !== index && !isZone(place));
    expect(twice).toEqual([]);
    expect(Object.keys(outputs)).toEqual(expect.arrayContaining(['functionAppName', 'storageAccountName']));
  });

  const isPrivate = (deployed: Deployed): number =>
    deployed.resources.filter(({ type }) => type.startsWith('Microsoft.Network/privateEndpoints@')).length;

  it('has a private endpoint for each service with a private network, and none without', () => {
    expect(isPrivate(deployWith())).toBe(0);
    expect(isPrivate(deployWith({ PRIVATE_NETWORKING: 'true' }))).toBe(7);
    expect(isPrivate(deployWith({ PRIVATE_NETWORKING: 'true', TASK_HUB_PROVIDER: 'storage' }))).toBe(6);
  });

  it('makes a budget and calls by mail when it is told to, with other thresholds where those are given', () => {
    const of = (deployed: Deployed, type: string) => deployed.resources.filter((one) => one.type.startsWith(type));
    expect(of(deployWith(), 'Microsoft.Consumption/budgets')).toEqual([]);
    const told = deployWith({
      MONTHLY_BUDGET: '500',
      BUDGET_START: '2026-11-01',
      ALERT_EMAILS: 'a@example.com,b@example.com',
      ALERT_THRESHOLDS: '{"dead-letters": 77}',
    });
    expect(JSON.stringify(of(told, 'Microsoft.Consumption/budgets')[0]?.body)).toContain('"startDate":"2026-11-01"');
    const rules = of(told, 'Microsoft.Insights/scheduledQueryRules').map(({ body }) => JSON.stringify(body));
    expect(rules.filter((rule) => rule.includes('"threshold":77'))).toHaveLength(1);
  });

  it.each([
    [{ SCHEDULER_SKU: 'Free' }, 'schedulerSku: expected allowed ["Consumption","Dedicated"], got Free'],
    [{ MAXIMUM_INSTANCES: '1001' }, 'maximumInstances: expected maxValue 1000, got 1001'],
    [{ AZURE_ENV_NAME: 'a-name-that-is-too-long' }, 'environmentName: expected maxLength 20'],
    [{ PRIVATE_NETWORKING: 'yes' }, 'privateNetworking: bool: expected true or false, got yes'],
    [{ ALERT_THRESHOLDS: '[]' }, 'alertThresholds: expected object, got []'],
  ])('is refused with %j', (variables, why) => {
    expect(() => deployWith(variables)).toThrow(why);
  });
});

/** What a binding of a function needs in Azure, as `<role> on <what>`. */
type Binding = Readonly<Record<string, unknown>>;

function needsOf({ type, queueName, topicName, subscriptionName }: Binding, hub: string): string[] {
  const durable = hub === 'scheduler' ? ['task hub'] : ['tables of storage', 'queues of storage', 'blobs of storage'];
  switch (type) {
    case 'serviceBusTrigger': {
      const entity = typeof queueName === 'string' ? queueName : `${String(topicName)}/${String(subscriptionName)}`;
      // Dead letters belong to what they were sent to.
      return [`receive ${entity.replace('/$DeadLetterQueue', '')}`];
    }
    case 'blobTrigger':
      return ['blobs of storage', 'queues of storage'];
    case 'timerTrigger':
      return ['blobs of storage'];
    case 'durableClient':
    case 'orchestrationTrigger':
    case 'activityTrigger':
    case 'entityTrigger':
      return durable;
    case 'httpTrigger':
    case 'http':
      return [];
    default:
      throw new Error(`it is not known what a ${String(type)} needs`);
  }
}

const roles: Readonly<Record<string, (resource: DeployedResource) => string>> = {
  '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0': ({ body }) => `receive ${entityOf(body['scope'])}`,
  '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39': ({ body }) => `send ${entityOf(body['scope'])}`,
  '0ad04412-c4d5-4796-b79c-f76d14c8d402': () => 'task hub',
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': () => 'blobs of storage',
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88': () => 'queues of storage',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': () => 'tables of storage',
  '4633458b-17de-408a-b874-0445c86b69e6': () => 'secrets',
  '3913510d-42f4-4e42-8a64-420c390055eb': () => 'telemetry',
};

/** The queue, the topic, or `<topic>/<subscription>` that a role is given on. */
function entityOf(scope: unknown): string {
  if (!(scope instanceof Declared)) throw new Error('expected a resource as scope');
  return show(scope.template.bodyOf(scope, ['name'])['name'] ?? '').replace(/^sbns-\w+\//, '');
}

describe('the identity of the app', () => {
  /** What the app does without a binding: in which functions, the descriptions say. */
  const withoutBinding = /^(?:send |secrets$|telemetry$)/;

  it.each(choices)('may do what each function needs with %j, and nothing besides', async (choice) => {
    const isApp = ({ body }: DeployedResource): boolean =>
      JSON.stringify(body['properties']).includes('"from":"identity.properties.principalId"');
    const given = deployWith(choice)
      .resources.filter((one) => one.type.startsWith('Microsoft.Authorization/roleAssignments') && isApp(one))
      .map((one) => {
        const { roleDefinitionId, description } = one.body['properties'] as Record<
          'roleDefinitionId' | 'description',
          string
        >;
        const describe = roles[roleDefinitionId.replace(/.*\//, '')];
        if (describe === undefined) throw new Error(`${one.file}: ${one.symbol}: an unknown role ${roleDefinitionId}`);
        return { what: describe(one), description };
      });
    const functions = await appFunctions();
    expect(functions.length).toBeGreaterThan(60);
    const needs = functions.flatMap(({ name, bindings }) =>
      bindings.flatMap((binding) => needsOf(binding, choice.TASK_HUB_PROVIDER).map((what) => ({ name, what }))),
    );
    expect(needs.filter(({ what }) => !given.some((one) => one.what === what))).toEqual([]);
    const wanted = new Set(needs.map(({ what }) => what));
    // A blob trigger needs queues with either task hub.
    expect(given.filter(({ what }) => !wanted.has(what) && !withoutBinding.test(what))).toEqual([]);
    const untold = functions.flatMap(({ name, bindings }) =>
      bindings
        .filter(({ type }) => type === 'serviceBusTrigger' || type === 'timerTrigger' || type === 'blobTrigger')
        .flatMap((binding) => needsOf(binding, 'scheduler'))
        .filter((what) => !given.some((one) => one.what === what && one.description.includes(name)))
        .map((what) => `${name}: ${what}`),
    );
    expect(untold).toEqual([]);
  });
});
