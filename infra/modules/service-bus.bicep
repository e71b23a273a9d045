// Queues, topics, subscriptions and rules are those of local/service-bus/Config.json, the file that the emulators read: what is
// tried locally is what is deployed.

param name string
param location string
param tags object
param appPrincipalId string

@description('Only Premium namespaces have private endpoints.')
param privateOnly bool

@description('Messaging units of a Premium namespace.')
param premiumUnits int

// Untyped: an entity may leave out what it doesn't need.
var entities = any(loadJsonContent('../../local/service-bus/Config.json')).UserConfig.Namespaces[0]

var subscriptions = flatten(map(
  entities.Topics,
  topic => map(topic.Subscriptions, subscription => { topic: topic.Name, entity: subscription })
))

var rules = flatten(map(
  subscriptions,
  subscription =>
    map(subscription.entity.Rules, rule => {
      topic: subscription.topic
      subscription: subscription.entity.Name
      rule: rule
    })
))

var roles = {
  receiver: '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  sender: '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
}

// Which functions read each entity, and why the app sends to it. An entity of Config.json that is missing here is an error.
var readers = {
  orders: 'placeOrderByMessage, keepDeadOrders'
  'payment-events/sagas': 'takePaymentEvent, keepDeadPaymentEvents'
  'order-events/e-mail': 'mailAboutFailures, keepDeadMailEvents'
  'order-events/analytics': 'countEvents, keepDeadAnalyticsEvents'
  'order-events/inventory': 'recordMovements, keepDeadInventoryEvents'
}
var senders = {
  orders: 'placeOrderByMessage: tries again later. redriveDeadLetter, redriveDeadLetters: send again.'
  'payment-events': 'takePaymentEvent: tries again later. redriveDeadLetter, redriveDeadLetters: send again.'
  'order-events': 'relayEvents, settle: publish. countEvents, recordMovements, mailAboutFailures: try again later. redriveDeadLetter, redriveDeadLetters: send again.'
}

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: privateOnly
    ? { name: 'Premium', tier: 'Premium', capacity: premiumUnits }
    : { name: 'Standard', tier: 'Standard' }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
  }
}

resource queues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [
  for queue in entities.Queues: {
    parent: namespace
    name: queue.Name
    properties: {
      deadLetteringOnMessageExpiration: queue.Properties.DeadLetteringOnMessageExpiration
      defaultMessageTimeToLive: queue.Properties.DefaultMessageTimeToLive
      lockDuration: queue.Properties.LockDuration
      maxDeliveryCount: queue.Properties.MaxDeliveryCount
      requiresDuplicateDetection: queue.Properties.RequiresDuplicateDetection
      duplicateDetectionHistoryTimeWindow: queue.Properties.?DuplicateDetectionHistoryTimeWindow
      requiresSession: queue.Properties.RequiresSession
      forwardTo: queue.Properties.?ForwardTo
      forwardDeadLetteredMessagesTo: queue.Properties.?ForwardDeadLetteredMessagesTo
    }
  }
]

resource topics 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' = [
  for topic in entities.Topics: {
    parent: namespace
    name: topic.Name
    properties: {
      defaultMessageTimeToLive: topic.Properties.DefaultMessageTimeToLive
      requiresDuplicateDetection: topic.Properties.RequiresDuplicateDetection
      duplicateDetectionHistoryTimeWindow: topic.Properties.?DuplicateDetectionHistoryTimeWindow
    }
  }
]

resource topicSubscriptions 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = [
  for subscription in subscriptions: {
    name: '${namespace.name}/${subscription.topic}/${subscription.entity.Name}'
    properties: {
      deadLetteringOnMessageExpiration: subscription.entity.Properties.DeadLetteringOnMessageExpiration
      defaultMessageTimeToLive: subscription.entity.Properties.DefaultMessageTimeToLive
      lockDuration: subscription.entity.Properties.LockDuration
      maxDeliveryCount: subscription.entity.Properties.MaxDeliveryCount
      requiresSession: subscription.entity.Properties.RequiresSession
      forwardTo: subscription.entity.Properties.?ForwardTo
      forwardDeadLetteredMessagesTo: subscription.entity.Properties.?ForwardDeadLetteredMessagesTo
    }
    dependsOn: [topics]
  }
]

resource topicRules 'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules@2024-01-01' = [
  for item in rules: {
    name: '${namespace.name}/${item.topic}/${item.subscription}/${item.rule.Name}'
    properties: item.rule.Properties.FilterType == 'Sql'
      ? {
          filterType: 'SqlFilter'
          sqlFilter: { sqlExpression: item.rule.Properties.SqlFilter.SqlExpression }
        }
      : {
          filterType: 'CorrelationFilter'
          correlationFilter: {
            contentType: item.rule.Properties.CorrelationFilter.?ContentType
            correlationId: item.rule.Properties.CorrelationFilter.?CorrelationId
            label: item.rule.Properties.CorrelationFilter.?Label
            messageId: item.rule.Properties.CorrelationFilter.?MessageId
            replyTo: item.rule.Properties.CorrelationFilter.?ReplyTo
            replyToSessionId: item.rule.Properties.CorrelationFilter.?ReplyToSessionId
            sessionId: item.rule.Properties.CorrelationFilter.?SessionId
            to: item.rule.Properties.CorrelationFilter.?To
            properties: item.rule.Properties.CorrelationFilter.?Properties
          }
        }
    dependsOn: [topicSubscriptions]
  }
]

// Azure gives each new subscription a rule of this name that takes every message, and a message is taken if any rule takes it.
// The emulators leave it out when there are others; here it is made to take nothing.
resource defaultRules 'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules@2024-01-01' = [
  for subscription in subscriptions: {
    name: '${namespace.name}/${subscription.topic}/${subscription.entity.Name}/$Default'
    properties: { filterType: 'SqlFilter', sqlFilter: { sqlExpression: '1 = 0' } }
    dependsOn: [topicSubscriptions]
  }
]

// Azure Service Bus Data Receiver on each queue, its dead letters included. For the functions that `readers` names.
resource queueReaders 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (queue, index) in entities.Queues: {
    scope: queues[index]
    name: guid(namespace.id, queue.Name, appPrincipalId, roles.receiver)
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.receiver)
      description: '${readers[queue.Name]}: read.'
    }
  }
]

// Azure Service Bus Data Receiver on each subscription, its dead letters included: on its topic alone, triggers are refused.
// For the functions that `readers` names.
resource subscriptionReaders 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (subscription, index) in subscriptions: {
    scope: topicSubscriptions[index]
    name: guid(namespace.id, subscription.topic, subscription.entity.Name, appPrincipalId, roles.receiver)
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.receiver)
      description: '${readers['${subscription.topic}/${subscription.entity.Name}']}: read.'
    }
  }
]

// Azure Service Bus Data Sender on each queue. For the functions that `senders` names.
resource queueSenders 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (queue, index) in entities.Queues: {
    scope: queues[index]
    name: guid(namespace.id, queue.Name, appPrincipalId, roles.sender)
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.sender)
      description: senders[queue.Name]
    }
  }
]

// Azure Service Bus Data Sender on each topic. For the functions that `senders` names.
resource topicSenders 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (topic, index) in entities.Topics: {
    scope: topics[index]
    name: guid(namespace.id, topic.Name, appPrincipalId, roles.sender)
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.sender)
      description: senders[topic.Name]
    }
  }
]

output id string = namespace.id
output name string = namespace.name
// It is given as https://<host>:443/
output hostName string = split(split(namespace.properties.serviceBusEndpoint, '://')[1], ':')[0]
