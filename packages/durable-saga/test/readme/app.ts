import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { registerSagas, sagaClients, SagaInputError } from 'durable-saga';
import { charge, order, reserve, ship } from './order';
import type { Carrier, Payments, Stock } from './ports';

export function compose(ports: { stock: Stock; payments: Payments; carrier: Carrier }): void {
  registerSagas({ ports, sagas: [order], activities: [reserve, charge, ship] });

  const sagas = sagaClients({ order });
  app.http('placeOrder', {
    methods: ['POST'],
    route: 'orders/{id}',
    extraInputs: [df.input.durableClient()],
    handler: async (request, context) => {
      const orders = sagas(df.getClient(context)).order;
      try {
        const { id } = await orders.start((await request.json()) as never, { id: request.params['id'] ?? '' });
        return { status: 202, jsonBody: { id } };
      } catch (error) {
        if (error instanceof SagaInputError) return { status: 400, jsonBody: { issues: error.issues } };
        throw error;
      }
    },
  });
}
