// Verifies seals with Apache Santuario, Debian's libxml-security-java: the signature, and PKIX for the path.
// java -cp xmlsec.jar:… VerifySantuario.java ANCHOR.pem INSTANT FOLDER:FILE…   prints "FOLDER:FILE true" or "… false
// REASON" each. Secure validation is on, with room for the references of a bundle.

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Set;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.xml.security.Init;
import org.apache.xml.security.keys.content.X509Data;
import org.apache.xml.security.signature.XMLSignature;
import org.apache.xml.security.signature.XMLSignatureInput;
import org.apache.xml.security.utils.resolver.ResourceResolverContext;
import org.apache.xml.security.utils.resolver.ResourceResolverException;
import org.apache.xml.security.utils.resolver.ResourceResolverSpi;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

public class VerifySantuario {
    static final String XADES = "http://uri.etsi.org/01903/v1.3.2#";
    static final String DS = "http://www.w3.org/2000/09/xmldsig#";

    public static void main(String[] arguments) throws Exception {
        System.setProperty("org.apache.xml.security.maxReferences", "10000");
        Init.init();
        X509Certificate anchor;
        try (InputStream input = Files.newInputStream(Path.of(arguments[0]))) {
            anchor = (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(input);
        }
        Date at = Date.from(Instant.parse(arguments[1]));
        for (int i = 2; i < arguments.length; i++) {
            String[] named = arguments[i].split(":", 2);
            String verdict;
            try {
                verdict = verify(Path.of(named[0]), named[1], anchor, at);
            } catch (Exception error) {
                verdict = "false " + error;
            }
            System.out.println(arguments[i] + " " + verdict);
        }
    }

    static String verify(Path folder, String file, X509Certificate anchor, Date at) throws Exception {
        DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
        builders.setNamespaceAware(true);
        builders.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        Document document = builders.newDocumentBuilder().parse(folder.resolve(file).toFile());
        Element properties = (Element) document.getElementsByTagNameNS(XADES, "SignedProperties").item(0);
        properties.setIdAttributeNS(null, "Id", true);
        Element element = (Element) document.getElementsByTagNameNS(DS, "Signature").item(0);
        XMLSignature signature = new XMLSignature(element, "", true);
        signature.addResourceResolver(new Beside(folder));
        X509Data data = signature.getKeyInfo().itemX509Data(0);
        List<X509Certificate> chain = new ArrayList<>();
        for (int i = 0; i < data.lengthCertificate(); i++) {
            chain.add(data.itemCertificate(i).getX509Certificate());
        }
        if (!signature.checkSignatureValue(chain.get(0))) {
            return "false the signature or a reference does not hold";
        }
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(anchor, null)));
        parameters.setDate(at);
        parameters.setRevocationEnabled(false);
        CertPathValidator.getInstance("PKIX").validate(
            CertificateFactory.getInstance("X.509").generateCertPath(chain), parameters);
        return "true";
    }

    /** The files of an unpacked container. */
    static class Beside extends ResourceResolverSpi {
        final Path folder;

        Beside(Path folder) {
            this.folder = folder;
        }

        @Override
        public boolean engineCanResolveURI(ResourceResolverContext context) {
            return context.uriToResolve != null && !context.uriToResolve.startsWith("#");
        }

        @Override
        public XMLSignatureInput engineResolveURI(ResourceResolverContext context) throws ResourceResolverException {
            try {
                return new XMLSignatureInput(Files.readAllBytes(folder.resolve(context.uriToResolve)));
            } catch (java.io.IOException error) {
                throw new ResourceResolverException(error, context.uriToResolve, context.baseUri, "unreadable");
            }
        }
    }
}
