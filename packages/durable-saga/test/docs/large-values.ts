import type { ContainerClient } from '@azure/storage-blob';
import { activity, claiming, registerSagas, saga, sagaClients } from 'durable-saga';
import type { SagaClients, DurableClientPort } from 'durable-saga';
import { createBlobPayloads } from 'durable-saga/azure-blobs';
import { z } from 'zod';

const documentSchema = z.string();

const draw = activity({
  name: 'draw',
  input: claiming(z.object({ title: z.string() }), { document: documentSchema }),
  output: claiming(z.object({ pages: z.int() }), { report: z.object({ text: z.string() }) }),
  run:
    () =>
    async ({ title, document }) => ({
      pages: Math.ceil(document.length / 2_000),
      report: { text: `${title}\n${document}` },
    }),
});

const print = activity({
  name: 'print',
  input: claiming(z.object({}), { report: z.object({ text: z.string() }) }),
  run:
    ({ paper }: { paper: string[] }) =>
    async ({ report }) => {
      paper.push(report.text);
    },
});

const report = saga(
  {
    name: 'report',
    version: '1',
    input: claiming(z.object({ title: z.string() }), { document: documentSchema }),
    output: z.object({ pages: z.int() }),
  },
  function* (saga, { title, document }) {
    const { pages, report } = yield* saga.step(draw, { title, document });
    yield* saga.step(print, { report });
    return { pages };
  },
);

/** Registers all of it, with its large values in a container. */
export function composeReports(
  ports: { readonly paper: string[] },
  container: ContainerClient,
): (client: DurableClientPort) => SagaClients<{ report: typeof report }> {
  const store = createBlobPayloads(container);
  registerSagas({ ports, sagas: [report], activities: [draw, print], claimCheck: { store } });
  const clients = sagaClients({ report }, { claimCheck: { store } });
  return clients;
}
