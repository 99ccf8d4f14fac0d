# Calls a webhook as Campfire does: Net::HTTP with a new connection, JSON from standard input.
# Prints what Campfire would look at: status, Content-Type and body, or the error that ended it.
require "json"
require "net/http"
require "uri"

uri = URI(ARGV[0])
http = Net::HTTP.new(uri.host, uri.port, nil)
http.open_timeout = http.read_timeout = 7
request = Net::HTTP::Post.new(uri, "Content-Type" => "application/json")
request.body = $stdin.read

begin
  response = http.request(request)
  found = { status: response.code.to_i, content_type: response.content_type, body: response.body }
rescue StandardError => error
  found = { error: error.class.name }
end
puts JSON.generate(found)
