import { ResourceFactoryResolver } from '@azure/functions-extensions-base';
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { message as amqpMessage } from 'rhea';
import { enterArguments } from '../../src/settlement/settlement-arguments';
import { toDeferredInput } from '../../src/triggers/service-bus-deferred';

type Raw = Partial<Omit<ServiceBusReceivedMessage['_rawAmqpMessage'], 'body'>>;

/** A message as a function with `sdkBinding: true` gets it: encoded by the host, decoded by what is registered. */
export function handOver(raw: Raw, body: Uint8Array | { readonly value: unknown }, deliveryCount = 0): unknown {
  const section: unknown = body instanceof Uint8Array ? amqpMessage.data_section(Buffer.from(body)) : body.value;
  const lockToken = '11111111-2222-3333-4444-555555555555';
  const message = {
    deliveryCount,
    lockToken,
    state: 'active',
    body: undefined,
    _rawAmqpMessage: { ...raw, body: section },
  };
  const input = toDeferredInput([message as unknown as ServiceBusReceivedMessage], false);
  if (!('modelBindingData' in input)) throw new Error('expected the input of one message');
  // Where the settlement service is, which nobody asks for anything here.
  const putBack = enterArguments(1);
  try {
    return ResourceFactoryResolver.getInstance().createClient(input.modelBindingData.source, input.modelBindingData);
  } finally {
    putBack();
  }
}
