import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { registerSagas, sagaClients } from 'durable-saga';
import { charge, input as orderSchema, order, reserve, ship } from './order';
import type { Ports } from './ports';

export function compose(ports: Ports): void {
  registerSagas({ ports, sagas: [order], activities: [reserve, charge, ship] });

  const sagas = sagaClients({ order });
  app.http('placeOrder', {
    methods: ['POST'],
    route: 'orders/{id}',
    extraInputs: [df.input.durableClient()],
    handler: async (request, context) => {
      const body = orderSchema.safeParse(await request.json());
      if (!body.success) return { status: 400, jsonBody: { issues: body.error.issues } };
      const orders = sagas(df.getClient(context)).order;
      const { id, started } = await orders.start(body.data, { id: request.params['id'] });
      return { status: 202, jsonBody: { id, started } };
    },
  });
}
