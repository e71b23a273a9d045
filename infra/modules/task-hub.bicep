// Durable Task Scheduler: keeps the sagas' instances, histories and timers, and gives work to the app's instances. It knows no
// other sign-in than Entra's.

param name string
param location string
param tags object
param appPrincipalId string
param privateOnly bool

@description('Consumption is paid by action and keeps histories for a month; Dedicated is paid by capacity.')
@allowed(['Consumption', 'Dedicated'])
param skuName string

@description('One hub for each app.')
param hubNames array

var dataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: skuName == 'Dedicated' ? { name: skuName, capacity: 1 } : { name: skuName }
    // An empty list lets nobody in. Who may do what is Entra's to say.
    ipAllowlist: ['0.0.0.0/0']
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
  }
}

resource hubs 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' = [
  for hubName in hubNames: {
    parent: scheduler
    name: hubName
  }
]

// Durable Task Data Contributor on each hub: it starts, runs, asks and purges. For all sagas and their activities, and for every
// function that starts or steers one. Of two apps each has it on both: who steers a saga may have come to the app beside.
resource hubRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (hubName, index) in hubNames: {
    scope: hubs[index]
    name: guid(hubs[index].id, appPrincipalId, dataContributor)
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataContributor)
      description: 'placeOrder, returnOrder, importOrders, importProducts: run. placeOrderByHttp, placeOrderByMessage, takePaymentEvent, startReturn, startLostOrders, startLostReturns, sweepImports, startOrdersImport, startProductsImport, watchStuckSagas, cleanUp: start, ask and purge. cancelOrder, decideApproval, cancelReturn, takeCollection: steer.'
    }
  }
]

output id string = scheduler.id
output endpoint string = scheduler.properties.endpoint
