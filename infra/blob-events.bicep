// Brings events about uploaded files to the functions that import them. Deployed after the app's code: Event Grid asks each
// function whether it is there before it sends anything, and the key in its address is made when the code first starts. The key is
// read and used in here, and leaves it by no output.

param functionAppName string

@description('The system topic that main.bicep made: its output eventTopicName.')
param eventTopicName string

@description('main.bicep\'s output storageAccountName.')
param storageAccountName string

var undeliveredContainerName = 'undelivered-events'

// The functions, and the folder that each watches: src/app.ts registers them.
var uploads = [
  { functionName: 'startOrdersImport', folder: 'orders' }
  { functionName: 'startProductsImport', folder: 'products' }
]

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: functionAppName
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageAccountName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: eventTopicName
}

resource subscriptions 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [
  for upload in uploads: {
    parent: topic
    name: upload.functionName
    properties: {
      destination: {
        endpointType: 'WebHook'
        properties: {
          endpointUrl: 'https://${app.properties.defaultHostName}/runtime/webhooks/blobs?functionName=Host.Functions.${upload.functionName}&code=${listKeys('${app.id}/host/default', '2024-11-01').systemKeys.blobs_extension}'
        }
      }
      filter: {
        includedEventTypes: ['Microsoft.Storage.BlobCreated']
        subjectBeginsWith: '/blobServices/default/containers/imports/blobs/${upload.folder}/'
        subjectEndsWith: '.csv'
      }
      eventDeliverySchema: 'EventGridSchema'
      retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
      deadLetterWithResourceIdentity: {
        identity: { type: 'SystemAssigned' }
        deadLetterDestination: {
          endpointType: 'StorageBlob'
          properties: { resourceId: account.id, blobContainerName: undeliveredContainerName }
        }
      }
    }
  }
]
