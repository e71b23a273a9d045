// The network of an environment that is closed to the outside: the app's way out goes through one subnet, everything it uses
// has a private endpoint in the other. The function app itself stays reachable: customers, the carrier and Event Grid call it.

param name string
param location string
param tags object

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] }
    subnets: [
      {
        // Flex Consumption takes one address an instance; its subnets are delegated as those of container apps are, and have
        // no underscore in their name.
        name: 'app'
        properties: {
          addressPrefix: '10.0.0.0/24'
          delegations: [
            { name: 'flex-consumption', properties: { serviceName: 'Microsoft.App/environments' } }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.0.1.0/24'
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

output id string = network.id
output appSubnetId string = '${network.id}/subnets/app'
output endpointsSubnetId string = '${network.id}/subnets/endpoints'
