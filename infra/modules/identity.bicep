// Who the app is to everything that it uses. One identity, so that each thing it may do is granted once, where that thing is
// described. It has no secret: Azure gives it tokens only inside the function app.

param name string
param location string
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

output id string = identity.id
output name string = identity.name
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
